// What providers make of their own list of nodes.
import { wrapped } from './cluster-status.ts';
import { ProviderUnavailable } from './errors.ts';
import type { AvailableProvider, ClusterReference, NodeInfo, NodeLister } from './provider.ts';

/** Whether the cluster has at least one node. @throws InfrastructureError `check nodes exist` with the lister's error as cause */
export async function checkNodesExist(
  lister: NodeLister,
  cluster: ClusterReference,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await lister.listNodes(cluster, signal)).length > 0;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw wrapped('check nodes exist', error);
  }
}

/**
 * The nodes of a provider that is set up; one that is not is not asked.
 *
 * @throws ProviderUnavailable. InfrastructureError `failed to list nodes` with the cause
 */
export async function ensureAvailableAndListNodes(
  provider: AvailableProvider & { readonly name?: string },
  cluster: ClusterReference,
  signal: AbortSignal,
): Promise<readonly NodeInfo[]> {
  if (!provider.isAvailable())
    throw new ProviderUnavailable(provider.name ?? 'unnamed', 'it is not set up');
  try {
    return await provider.listNodes(cluster, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw wrapped('failed to list nodes', error);
  }
}

/** Names of the clusters that nodes belong to, sorted, each once. */
export function clusterNamesOf(nodes: readonly NodeInfo[]): readonly string[] {
  return [...new Set(nodes.map(({ clusterName }) => clusterName))].toSorted();
}

/** By cluster, then name, so that two lists of the same nodes are equal. */
export function inOrder(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  return nodes.toSorted((a, b) => compare(a.clusterName, b.clusterName) || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
