// From nodes to the state of a cluster, for providers that know nothing better, and the two ways to ask for it.
import { ClusterNotFound, InfrastructureError } from './errors.ts';
import { clusterNameOf } from './provider.ts';
import type {
  ClusterReference,
  ClusterStatus,
  NodeInfo,
  NodeLister,
  Provider,
} from './provider.ts';

/**
 * All nodes in `readyState`: that word, and ready. None: `stopped`. Some: `degraded`.
 *
 * @returns null without nodes
 */
export function buildClusterStatus(
  nodes: readonly NodeInfo[],
  readyState: string,
): ClusterStatus | null {
  if (nodes.length === 0) return null;
  const nodesReady = nodes.filter(({ state }) => state === readyState).length;
  const isReady = nodesReady === nodes.length;
  const phase = isReady ? readyState : nodesReady === 0 ? 'stopped' : 'degraded';
  return { phase, isReady, nodesTotal: nodes.length, nodesReady, nodes };
}

/** For `getClusterStatus` of providers that need no more than their list. @throws InfrastructureError with the lister's error as cause */
export async function getClusterStatusFromLister(
  lister: NodeLister,
  cluster: ClusterReference,
  readyState: string,
  signal: AbortSignal,
): Promise<ClusterStatus | null> {
  try {
    return buildClusterStatus(await lister.listNodes(cluster, signal), readyState);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw wrapped('get cluster status', error);
  }
}

/** @throws ClusterNotFound naming the cluster, where `getClusterStatus` says null */
export async function requireClusterStatus(
  provider: Pick<Provider, 'getClusterStatus' | 'name'>,
  cluster: ClusterReference,
  signal: AbortSignal,
): Promise<ClusterStatus> {
  const status = await provider.getClusterStatus(cluster, signal);
  if (status === null) throw new ClusterNotFound(clusterNameOf(cluster), provider.name);
  return status;
}

/** An error that says during what, with the reason of the one inside where it has one. */
export function wrapped(during: string, error: unknown): InfrastructureError {
  return new WrappedError(during, error);
}

class WrappedError extends InfrastructureError {
  override readonly reason: string;

  constructor(during: string, error: unknown) {
    super(`${during}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    this.reason = error instanceof InfrastructureError ? error.reason : 'Error';
  }
}
