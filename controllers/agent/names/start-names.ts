// Names as one part of the agent: picks where addresses come from, starts DNS, and says what instances are given of it.
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import type { PodSandboxSpec, Runtime } from '../../runtimes/runtime.ts';
import type { EndpointTable } from '../endpoints.ts';
import type { Pod } from '../pod.ts';
import { AddressBook } from './address-book.ts';
import { DNSForwarder } from './dns-forwarder.ts';
import { DNSServer } from './dns-server.ts';
import { knownClients } from './known-clients.ts';
import { interfaceFront, loopbackFront, sharedFront } from './name-front.ts';
import type { NameFront } from './name-front.ts';
import { nameMetrics } from './name-metrics.ts';
import { NameTable } from './name-table.ts';
import type { NameTableOptions } from './name-table.ts';

export interface NamesOptions extends Pick<
  NameTableOptions,
  'domain' | 'services' | 'service' | 'warn'
> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly runtime: Pick<Runtime, 'name' | 'gateway'>;
  readonly endpoints: EndpointTable;
  /** For what it keeps. */
  readonly folder: string;
  readonly agentID: string;
}

/** What an instance is given to find others. */
export interface PodNames {
  environmentFor(pod: Pod): Promise<Readonly<Record<string, string>>>;
  /** undefined: its resolver stays as it is. */
  dnsFor(pod: Pod): Promise<PodSandboxSpec['dns'] | undefined>;
}

export interface Names extends PodNames {
  /** Services are others, or Pods are. @param inUse namespaces of the instances of this machine */
  sync(inUse: Iterable<string>): void;
  close(): Promise<void>;
}

const RESOLV_CONF = '/etc/resolv.conf';
/** So that `web.other-namespace` is looked for in the cluster first. */
const OPTIONS = ['ndots:2'];
const MOST_SEARCHES = 6;

/** Never fails: where names cannot be had, that is said, and everything else works. */
export async function startNames(options: NamesOptions): Promise<Names> {
  const { clock, endpoints, folder, agentID, domain } = options;
  const logger = options.logger.child({ part: 'names' });
  const metrics = nameMetrics(options.metrics);
  const chosen = await chooseFront(options.runtime, logger);
  if (chosen === undefined) return NO_NAMES;
  const { front, isKnown } = chosen;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { size, addressOf } = front;
  const file = join(folder, `${front.hasAddresses ? addressOf(0) : 'shared'}.json`);
  const book = new AddressBook({ file, logger, seed: agentID, size, addressOf });
  const table = new NameTable({ ...options, logger, metrics, front, book, endpoints, isKnown });
  let own: string | undefined;
  const forwarder = new DNSForwarder({
    clock,
    file: RESOLV_CONF,
    isOwn: (address) => address === own,
  });
  const server = new DNSServer({
    domain,
    isKnown,
    view: table,
    asked: (name) => table.asked(name),
    forward: (query, transport) => forwarder.forward(query, transport),
    counted: (result) => metrics.queries.inc({ result }),
  });
  let hasDNS = false;
  if (front.hasAddresses) {
    try {
      own = await table.ownAddress();
      hasDNS = await listenForQueries(server, own, logger);
    } catch (error) {
      logger.warn('No DNS for instances here: they find services by environment variables', {
        error,
      });
    }
  }
  endpoints.onChange(() => table.endpointsChanged());
  endpoints.onDrain((podUID, limitMs) => table.drain(podUID, limitMs));
  let queue = Promise.resolve();
  return {
    environmentFor: async ({ metadata, spec }) =>
      spec.enableServiceLinks === false
        ? {}
        : table.environmentFor(metadata.namespace ?? 'default'),
    async dnsFor({ metadata, spec }) {
      const policy = spec.dnsPolicy ?? 'ClusterFirst';
      if (!hasDNS || own === undefined || !policy.startsWith('ClusterFirst')) return undefined;
      const { namespace = 'default' } = metadata;
      const { searches } = await forwarder.host();
      return {
        servers: [own],
        searches: [`${namespace}.${domain}`, domain, ...searches].slice(0, MOST_SEARCHES),
        options: OPTIONS,
      };
    },
    sync(inUse) {
      const namespaces = [...inUse];
      queue = queue
        .then(() => table.sync(namespaces))
        .catch((error: unknown) => logger.error('Cannot keep names up to date', { error }));
    },
    async close() {
      await queue;
      server.close();
      await table.close();
    },
  };
}

const NO_NAMES: Names = {
  environmentFor: () => Promise.resolve({}),
  dnsFor: () => Promise.resolve(undefined),
  sync: () => undefined,
  close: () => Promise.resolve(),
};

interface Chosen {
  readonly front: NameFront;
  /** Whether an address may use names. */
  readonly isKnown: (address: string | undefined) => boolean;
}

async function chooseFront(
  runtime: NamesOptions['runtime'],
  logger: Logger,
): Promise<Chosen | undefined> {
  if (runtime.gateway === undefined) {
    const front = process.platform === 'linux' ? loopbackFront : sharedFront('127.0.0.1');
    return { front, isKnown: knownClients([]) };
  }
  const gateway = await runtime.gateway().catch(() => undefined);
  if (gateway === undefined) {
    logger.warn('Containers cannot reach services: their network has no gateway on this machine');
    return undefined;
  }
  const isKnown = knownClients([gateway.subnet]);
  const probe = interfaceFront.addressOf(interfaceFront.size - 1);
  try {
    await interfaceFront.prepare(probe);
    await interfaceFront.release(probe);
    return { front: interfaceFront, isKnown };
  } catch (error) {
    logger.info('Containers find services by environment variables only: addresses need root', {
      error,
    });
    return { front: sharedFront(gateway.address), isKnown };
  }
}

/** Resolvers of instances know no other port than 53; another is for people with `dig -p`. */
async function listenForQueries(
  server: DNSServer,
  address: string,
  logger: Logger,
): Promise<boolean> {
  try {
    await server.listen(address, 53);
    return true;
  } catch (error) {
    logger.info(
      `Instances find services by environment variables only: port 53 of ${address} needs root, or net.ipv4.ip_unprivileged_port_start=53`,
      { error },
    );
    return false;
  }
}
