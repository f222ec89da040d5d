// Which nodes an action may touch. Every provider asks here before it acts.
import { InvalidRequest, NoNodes, NotOwned } from './errors.ts';
import { clusterNameOf } from './provider.ts';
import type { ClusterReference, NodeChoice, NodeInfo, NodeResult } from './provider.ts';

/** Whether a node is of that cluster: by name, and by UID where the reference has one. */
export function isNodeOf(node: NodeInfo, cluster: ClusterReference): boolean {
  return typeof cluster === 'string'
    ? node.clusterName === cluster
    : node.clusterName === cluster.name && node.clusterUID === cluster.uid;
}

export interface Choice {
  readonly nodes: readonly NodeInfo[];
  /** Results for names that are no nodes of the cluster. */
  readonly unknown: readonly NodeResult[];
}

/**
 * The nodes to act on, out of the whole list.
 *
 * @throws NotOwned for a foreign cluster that was not adopted, and for a name that two clusters have. InvalidRequest for an empty name
 */
export function actionable(
  all: readonly NodeInfo[],
  cluster: ClusterReference,
  choice: NodeChoice = {},
): Choice {
  const name = clusterNameOf(cluster);
  if (name === '') throw new InvalidRequest('the name of the cluster is empty');
  const nodes = all.filter((node) => isNodeOf(node, cluster));
  const other = nodes.find(({ isOwned }) => !isOwned);
  if (other !== undefined)
    throw new NotOwned(
      `cluster ${JSON.stringify(name)}`,
      `node ${other.name} was made by others; name the cluster in spec.adoptedClusters to let us act on it`,
    );
  const uids = new Set(nodes.map(({ clusterUID }) => clusterUID));
  if (uids.size > 1)
    throw new NotOwned(
      `cluster ${JSON.stringify(name)}`,
      `${uids.size} clusters have that name; say which by its UID`,
    );
  if (choice.nodes === undefined) return { nodes, unknown: [] };
  const names = new Set(choice.nodes);
  const known = new Set(nodes.map((node) => node.name));
  return {
    nodes: nodes.filter((node) => names.has(node.name)),
    unknown: [...names]
      .filter((wanted) => !known.has(wanted))
      .map((wanted) => ({
        kind: 'node',
        name: wanted,
        outcome: 'failed',
        error: new NoNodes(name, `: it has no node ${JSON.stringify(wanted)}`),
      })),
  };
}
