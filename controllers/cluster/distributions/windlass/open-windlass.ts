// From a Machine of a Windlass cluster to what drives it: the provider that its cluster names.
import { request } from 'node:https';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { adminKubeconfig, controllersOf, windlassConfiguration } from './windlass-commands.ts';
import type { Provider } from '../../../infrastructure/provider.ts';
import { HttpClient } from '../../../machinery/client.ts';
import { loadConnection } from '../../../machinery/kubeconfig.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Member, MemberDriver } from '../../member-driver.ts';
import type { Cluster } from '../../types.ts';
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
  /** Undefined when the cluster names none. */
  readonly provider: (cluster: Cluster, signal: AbortSignal) => Promise<OpenedProvider | undefined>;
}

const READY_WITHIN_MS = 5_000;

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
  const configuration = windlassConfiguration(member.configuration, program);
  const { clock, metrics, random } = options;
  return new WindlassMember({
    member,
    provider,
    configuration,
    clock,
    isReady: saysReady,
    clusterClient: async () => {
      const [controller] = controllersOf(member);
      if (
        stateDirectory === undefined ||
        controller === undefined ||
        configuration.program.length === 0
      )
        return undefined;
      try {
        const connection = await loadConnection(join(adminKubeconfig(stateDirectory, controller)));
        return new HttpClient({
          connection,
          clock,
          metrics,
          random,
          userAgent: 'windlass-controllers',
        });
      } catch {
        // Its server has not begun yet.
        return undefined;
      }
    },
  });
}

/** Asked without credentials and without trust: it is only whether somebody is there. */
function saysReady(url: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(
      new URL('/readyz', url),
      { rejectUnauthorized: false, signal, timeout: READY_WITHIN_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
