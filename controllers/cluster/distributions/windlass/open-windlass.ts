// From a Machine of a Windlass cluster to what drives it: the provider that its cluster names.
import { request } from 'node:https';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { windlassVersionOf } from '#platform/kubernetes-version.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { adminKubeconfig, controllersOf, windlassConfiguration } from './windlass-commands.ts';
import type { Provider } from '../../../infrastructure/provider.ts';
import { HttpClient } from '../../../machinery/client.ts';
import { loadConnection } from '../../../machinery/kubeconfig.ts';
import type { Connection } from '../../../machinery/kubeconfig.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Member, MemberDriver } from '../../member-driver.ts';
import type { Cluster, Machine } from '../../types.ts';
import { isController } from '../../wanted-machines.ts';
import type { ClusterKeyring } from './cluster-keys.ts';
import { connectionTo, controllerNodes, joiningOf, serversOf } from './reach-cluster.ts';
import { WindlassMember } from './windlass-member.ts';

/** The provider of a cluster; `stateDirectory` where its nodes are folders of this machine. */
export interface OpenedProvider {
  readonly provider: Provider;
  readonly stateDirectory: string | undefined;
}

export interface OpenWindlassOptions {
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly random: () => number;
  /** Program and first arguments of windlass on this machine. */
  readonly program: readonly string[];
  /** Of that program; undefined: nobody knows before it runs. */
  readonly windlassVersion: string | undefined;
  /** Of clusters whose nodes are machines of their own; undefined: nobody makes keys here. */
  readonly keys: ClusterKeyring | undefined;
  /** Writes annotations of a Machine. */
  readonly annotate: (
    machine: Machine,
    annotations: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Undefined when the cluster names none. */
  readonly provider: (cluster: Cluster, signal: AbortSignal) => Promise<OpenedProvider | undefined>;
}

const READY_WITHIN_MS = 5_000;
const LONGEST_ANSWER = 65_536;

export async function openWindlass(
  member: Member,
  options: OpenWindlassOptions,
  signal: AbortSignal,
): Promise<MemberDriver> {
  const { cluster } = member;
  const opened = await options.provider(cluster, signal);
  if (opened === undefined)
    throw new NotYetError(
      `spec.providerRef of cluster ${cluster.metadata.name} names no InfraProvider that is there`,
    );
  const { provider, stateDirectory } = opened;
  // Elsewhere the node's image or its provider says what runs.
  const program = stateDirectory === undefined ? [] : options.program;
  const isElsewhere = stateDirectory === undefined;
  const configuration = windlassConfiguration(member.configuration, program, isElsewhere);
  const keyring = isElsewhere ? options.keys : undefined;
  const reach =
    keyring &&
    (async (until: AbortSignal) => ({ provider, keys: await keyring.of(cluster, until) }));
  const { clock, metrics, random } = options;
  return new WindlassMember({
    member,
    provider,
    configuration,
    clock,
    programVersion: configuration.program === options.program ? options.windlassVersion : undefined,
    isReady: saysReady,
    versionOf: async (url, until) =>
      windlassVersionIn(await textOf(new URL('/version', url), until)),
    ...(reach && {
      joining: async (until: AbortSignal) => {
        if (
          isController(member.role) &&
          (await controllerNodes(member, provider, until)).length === 0
        )
          await keyring?.beginAnew(cluster, until);
        return joiningOf(member, configuration, await reach(until), until);
      },
    }),
    // On this machine a node is made with the folder of its controller, elsewhere with the URL of its server.
    homes: (until) =>
      stateDirectory === undefined
        ? serversOf(member, configuration, provider, until)
        : Promise.resolve(controllersOf(member)),
    remember: async (annotation, value, until) => {
      if (member.machine.metadata.annotations?.[annotation] !== value)
        await options.annotate(member.machine, { [annotation]: value }, until);
    },
    clusterClient: async (until) => {
      if (configuration.program.length === 0) return undefined;
      const connection =
        reach === undefined
          ? await localConnection(member, stateDirectory)
          : await connectionTo(member, configuration, await reach(until), until);
      if (connection === undefined) return undefined;
      const userAgent = 'windlass-controllers';
      const client = new HttpClient({ connection, clock, metrics, random, userAgent });
      await keyring?.follow(cluster, client, until);
      return client;
    },
  });
}

/** Undefined where its server has not begun yet, or is not of this machine. */
async function localConnection(
  member: Member,
  stateDirectory: string | undefined,
): Promise<Connection | undefined> {
  const [controller] = controllersOf(member);
  if (stateDirectory === undefined || controller === undefined) return undefined;
  return loadConnection(join(adminKubeconfig(stateDirectory, controller))).catch(() => undefined);
}

async function saysReady(url: string, signal: AbortSignal): Promise<boolean> {
  return (await textOf(new URL('/readyz', url), signal)) !== undefined;
}

/** Of what a server answers to /version. */
function windlassVersionIn(text: string | undefined): string | undefined {
  try {
    const { gitVersion } = JSON.parse(text ?? '{}') as { readonly gitVersion?: unknown };
    return typeof gitVersion === 'string' ? windlassVersionOf(gitVersion) : undefined;
  } catch {
    return undefined;
  }
}

/** Asked without credentials and without trust: what everybody may know. Undefined for any other answer than 200. */
function textOf(url: URL, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(
      url,
      { rejectUnauthorized: false, signal, timeout: READY_WITHIN_MS },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length > LONGEST_ANSWER) asked.destroy();
        });
        response.on('error', () => resolve(undefined));
        response.on('close', () => resolve(undefined));
        response.on('end', () => resolve(response.statusCode === 200 ? text : undefined));
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}
