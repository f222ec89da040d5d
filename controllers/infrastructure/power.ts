// Stopping a cluster so that a start brings back exactly what ran. What ran is kept by whoever keeps the cluster's status.
import { throwFailures } from './each-node.ts';
import { InvalidRequest, NoNodes, NotRestored, NotSupported } from './errors.ts';
import type { ClusterIdentity, NodeInfo, NodeResult, Provider } from './provider.ts';

/** What ran when a cluster was stopped. Never empty. */
export interface PowerSnapshot {
  readonly clusterUID: string;
  /** Names of the nodes that ran, sorted. */
  readonly running: readonly string[];
  /** How many of each pool. */
  readonly pools: readonly { readonly name: string; readonly replicas: number }[];
}

/** Where the snapshot of a cluster is kept; writes are durable when they resolve. */
export interface SnapshotStore {
  read(signal: AbortSignal): Promise<PowerSnapshot | undefined>;
  save(snapshot: PowerSnapshot, signal: AbortSignal): Promise<void>;
  clear(signal: AbortSignal): Promise<void>;
}

/** The one that is kept already, else what runs now; undefined when nothing does. Pure. */
export function snapshotOf(
  cluster: ClusterIdentity,
  nodes: readonly NodeInfo[],
  readyState: string,
  kept: PowerSnapshot | undefined,
): PowerSnapshot | undefined {
  if (kept !== undefined) return kept;
  const running = nodes.filter(({ state }) => state === readyState);
  if (running.length === 0) return undefined;
  const names = [...new Set(running.map(({ pool = '' }) => pool))].toSorted();
  const pools = names.map((name) => ({
    name,
    replicas: running.filter(({ pool = '' }) => pool === name).length,
  }));
  return { clusterUID: cluster.uid, running: running.map(({ name }) => name).toSorted(), pools };
}

/** Names of the nodes that shall run again: those of the snapshot that are still there, or all when there is none. Pure. */
export function nodesToStart(
  nodes: readonly NodeInfo[],
  snapshot: PowerSnapshot | undefined,
): readonly string[] {
  const names = nodes.map(({ name }) => name);
  return snapshot === undefined ? names : names.filter((name) => snapshot.running.includes(name));
}

/**
 * Stops all nodes of a cluster; what ran is saved before the first is touched, once however often this is called.
 *
 * @throws NoNodes, NotSupported, InvalidRequest before any node is touched; NodesFailed naming those that did not stop
 */
export async function stopCluster(
  provider: Provider,
  cluster: ClusterIdentity,
  store: SnapshotStore,
  signal: AbortSignal,
): Promise<readonly NodeResult[]> {
  const nodes = await provenNodes(provider, cluster, signal);
  const kept = ofCluster(cluster, await store.read(signal));
  const snapshot = snapshotOf(cluster, nodes, provider.readyState, kept);
  if (snapshot !== undefined && kept === undefined) await store.save(snapshot, signal);
  const results = await provider.stopNodes(cluster, signal);
  throwFailures(`stop cluster ${cluster.name}`, results);
  return results;
}

/**
 * Starts what ran before the stop, reads back that it runs, then forgets the snapshot.
 *
 * @throws NoNodes, NotSupported, InvalidRequest before any node is touched; NodesFailed, NotRestored: the snapshot is kept
 */
export async function startCluster(
  provider: Provider,
  cluster: ClusterIdentity,
  store: SnapshotStore,
  signal: AbortSignal,
): Promise<readonly NodeResult[]> {
  const nodes = await provenNodes(provider, cluster, signal);
  const snapshot = ofCluster(cluster, await store.read(signal));
  const wanted = nodesToStart(nodes, snapshot);
  const stopped = nodes.filter(
    ({ name, state }) => wanted.includes(name) && state !== provider.readyState,
  );
  const results =
    stopped.length === 0
      ? []
      : await provider.startNodes(cluster, signal, { nodes: stopped.map(({ name }) => name) });
  throwFailures(`start cluster ${cluster.name}`, results);
  const now = new Map(
    (await provider.listNodes(cluster, signal)).map(({ name, state }) => [name, state]),
  );
  const missing = (snapshot?.running ?? wanted).filter(
    (name) => now.get(name) !== provider.readyState,
  );
  if (missing.length > 0)
    throw new NotRestored(
      `start cluster ${cluster.name}: not restored: ${missing
        .map((name) => `node ${name} is ${now.get(name) ?? 'gone'}`)
        .join(', ')}`,
    );
  if (snapshot !== undefined) await store.clear(signal);
  return results;
}

/** Nodes that say by label that they are of exactly this cluster. */
async function provenNodes(
  provider: Provider,
  cluster: ClusterIdentity,
  signal: AbortSignal,
): Promise<readonly NodeInfo[]> {
  if (!provider.capabilities.includes('power'))
    throw new NotSupported(provider.name, 'stop and start nodes');
  if (cluster.name === '' || cluster.uid === '')
    throw new InvalidRequest(
      `cluster ${JSON.stringify(cluster.name)} did not prove its exact name and UID: give both`,
    );
  const nodes = await provider.listNodes(cluster, signal);
  if (nodes.length === 0) throw new NoNodes(cluster.name);
  return nodes;
}

function ofCluster(
  cluster: ClusterIdentity,
  snapshot: PowerSnapshot | undefined,
): PowerSnapshot | undefined {
  if (snapshot === undefined) return undefined;
  if (snapshot.clusterUID !== cluster.uid)
    throw new InvalidRequest(
      `the power snapshot is of cluster UID ${JSON.stringify(snapshot.clusterUID)}, and cluster ${cluster.name} has ${cluster.uid}: remove the snapshot`,
    );
  const counted = snapshot.pools.reduce((sum, { replicas }) => sum + replicas, 0);
  if (snapshot.running.length === 0 || counted !== snapshot.running.length)
    throw new InvalidRequest(
      `the power snapshot of cluster ${cluster.name} names ${snapshot.running.length} nodes and counts ${counted}: remove it`,
    );
  return snapshot;
}
