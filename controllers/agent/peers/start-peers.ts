// The peers of this agent as one part: listens for them, tells the server where, and links to all others. Without a certificate that
// others know, the agent works for its own machine only.
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import type { ApiObject, Client } from '../../machinery/client-types.ts';
import { Informer } from '../../machinery/informer.ts';
import type { Connection } from '../../machinery/kubeconfig.ts';
import { NODES } from '../../machinery/resources.ts';
import type { EndpointTable, InstanceSource, ServiceInstance } from '../endpoints.ts';
import { peerCredentials } from './peer-identity.ts';
import { PeerMesh, peerAddressOf } from './peer-mesh.ts';
import { peerMetrics } from './peer-metrics.ts';
import { PeerServer } from './peer-server.ts';

/** Where other agents find this one; what is absent is found out. */
export interface PeerSettings {
  /** Address to listen on; by default the one by which this machine reaches the API server. */
  readonly bind?: string;
  /** Port to listen on; by default 6444, or any free one where that is taken. */
  readonly port?: number;
  /** `host` or `host:port` that others dial; by default what is listened on. */
  readonly address?: string;
}

export interface PeersOptions {
  readonly settings: PeerSettings;
  readonly connection: Connection;
  readonly client: Client;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly random: () => number;
  readonly endpoints: EndpointTable;
  readonly local: InstanceSource & { find(podUID: string): ServiceInstance | undefined };
  readonly offers: (instance: ServiceInstance, port: number | string) => boolean;
}

export interface Peers {
  /** For the Node: `host:port`; null when nobody can come. */
  readonly address: string | null;
  /** Call whenever instances of this machine may be ready that were not, or the other way round. */
  announce(): void;
  /** Links until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Others shall go elsewhere: resolves when they have, or after the limit. */
  leave(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

export const DEFAULT_PEER_PORT = 6444;
const WILDCARDS = new Set(['0.0.0.0', '::']);
const LOOK_LIMIT_MS = 3_000;

/** @throws Error when the address or port that was asked for cannot be had */
export async function startPeers(options: PeersOptions): Promise<Peers> {
  const { connection, nodeName, logger, clock, random, client, endpoints, local } = options;
  let credentials;
  try {
    credentials = peerCredentials(connection, nodeName);
  } catch (error) {
    logger.warn(
      'Instances of other machines cannot be reached, and those of this one not from there',
      {
        error,
      },
    );
    return ALONE;
  }
  const metrics = peerMetrics(options.metrics);
  const nodes = new Informer<ApiObject>({
    client,
    clock,
    logger,
    random,
    resource: NODES,
    transform,
  });
  const shared = { credentials, clock, logger, metrics };
  const server = new PeerServer({
    ...shared,
    ready: () => local.ready(),
    find: (podUID) => local.find(podUID),
    offers: options.offers,
    isKnown: (node) => nodes.cache.get('', node) !== undefined,
  });
  const mesh = new PeerMesh({
    ...shared,
    nodeName,
    random,
    nodes: () => nodes.cache.list(),
    changed: () => endpoints.changed(),
    // Nobody waits for it here: the other agent does, and cuts what is left.
    drain: (podUID, limitMs) => void endpoints.drain(podUID, limitMs),
  });
  const address = await listen(server, options);
  endpoints.addSource(mesh);
  endpoints.onDrain((podUID, limitMs) => server.drain(podUID, limitMs));
  return {
    address,
    announce: () => server.announce(),
    async run(signal) {
      nodes.onChange(() => mesh.sync());
      await nodes.run(signal);
      await mesh.close();
    },
    async leave(limitMs) {
      server.refuse();
      await Promise.all([...local.ready()].map(({ podUID }) => server.drain(podUID, limitMs)));
    },
    close: () => server.close(),
  };
}

const ALONE: Peers = {
  address: null,
  announce: () => undefined,
  run: () => Promise.resolve(),
  leave: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Of hundreds of Nodes only what is asked of them. */
function transform({ metadata }: ApiObject): ApiObject {
  const { name, uid, resourceVersion, creationTimestamp, annotations = {} } = metadata;
  return { metadata: { name, uid, resourceVersion, creationTimestamp, annotations } };
}

async function listen(server: PeerServer, options: PeersOptions): Promise<string> {
  const { settings, hostIP, logger } = options;
  const bind = settings.bind ?? (await addressTowards(options.connection.server)) ?? hostIP;
  let port: number;
  try {
    port = await server.listen(bind, settings.port ?? DEFAULT_PEER_PORT);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (settings.port !== undefined || code !== 'EADDRINUSE')
      throw new Error(
        `Cannot listen for other agents on ${bind}:${settings.port ?? DEFAULT_PEER_PORT}: ${message}; give --peer-bind and --peer-port what this machine has`,
        { cause: error },
      );
    port = await server.listen(bind, 0);
  }
  const host = WILDCARDS.has(bind) ? hostIP : bind;
  const address = advertised(settings.address ?? host, port);
  logger.info('Listening for other agents', { bind, port, address });
  return address;
}

/** @throws Error for what is neither a host nor a host with a port */
function advertised(text: string, port: number): string {
  const withPort = isIPv6(text)
    ? `[${text}]:${port}`
    : /:\d+$/.test(text)
      ? text
      : `${text}:${port}`;
  if (peerAddressOf('', withPort) !== undefined) return withPort;
  throw new Error(
    `Cannot tell other agents ${JSON.stringify(text)}: give --peer-address HOST or HOST:PORT that they can reach`,
  );
}

/** The address that this machine has on its way to the server; undefined when it cannot be found out. */
function addressTowards(server: URL): Promise<string | undefined> {
  const port = server.port === '' ? 443 : Number(server.port);
  return new Promise((resolve) => {
    const socket = connect(port, server.hostname.replace(/^\[|\]$/g, ''));
    const finish = (address: string | undefined): void => {
      socket.destroy();
      resolve(address);
    };
    socket.setTimeout(LOOK_LIMIT_MS, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('connect', () => finish(socket.localAddress));
  });
}
