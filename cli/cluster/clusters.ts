// Reads clusters and their machines, and follows one to where it is asked to be.
import type { Cluster, Machine } from '#controllers/cluster/types.ts';
import { CLUSTER_UID_LABEL } from '#controllers/cluster/types.ts';
import type { Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { CLUSTERS, MACHINES } from '#controllers/machinery/resources.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import type { CommandIO } from '../command.ts';
import type { OptionTable } from '../options.ts';
import { createProgress } from '../progress.ts';
import { CommandError } from '../usage-error.ts';
import { endOf, treeLines } from './cluster-text.ts';

export const clusterOptions = {
  namespace: {
    type: 'string',
    short: 'n',
    placeholder: 'NAME',
    default: 'default',
    help: 'Namespace of the cluster',
  },
} as const satisfies OptionTable;

const LOOK_EVERY_MS = 500;

/** @throws CommandError when there is none of that name */
export async function readCluster(
  client: Client,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Cluster> {
  try {
    return await client.get<Cluster>(CLUSTERS, namespace, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no cluster ${name} in namespace ${namespace}`,
      'windlass cluster list --all-namespaces shows those there are.',
    );
  }
}

export async function machinesOf(
  client: Client,
  { metadata }: Cluster,
  signal: AbortSignal,
): Promise<readonly Machine[]> {
  const { namespace = '', uid } = metadata;
  const labelSelector = `${CLUSTER_UID_LABEL}=${uid}`;
  return (await client.list<Machine>(MACHINES, { namespace, labelSelector }, signal)).items;
}

/** Changes fields of its spec. */
export async function patchCluster(
  client: Client,
  { metadata }: Cluster,
  spec: object,
  signal: AbortSignal,
): Promise<Cluster> {
  const { namespace = '', name } = metadata;
  return client.patch<Cluster>(CLUSTERS, namespace, name, '', 'merge', { spec }, signal);
}

/**
 * Draws the tree until the cluster is as wanted, or gone.
 *
 * @throws CommandError when it will not get there by itself, or not in time
 */
export async function followCluster(
  client: Client,
  cluster: Cluster,
  wanted: 'Ready' | 'Stopped' | 'Gone',
  timeoutMs: number | undefined,
  io: CommandIO,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name, uid } = cluster.metadata;
  const progress = createProgress(io.out, io.columns);
  const end = systemClock.monotonic() + (timeoutMs ?? Infinity);
  for (;;) {
    const now = await present(client, namespace, name, signal);
    if (now?.metadata.uid !== uid) {
      if (wanted === 'Gone') return;
      throw new CommandError(`cluster ${name} was deleted meanwhile`);
    }
    for (const [key, text] of treeLines(now, await machinesOf(client, now, signal)))
      progress.update(key, text);
    const found = wanted === 'Gone' ? undefined : endOf(now, wanted);
    if (found?.done === true) return;
    if (found !== undefined) throw new CommandError(`cluster ${name}: ${found.message}`);
    if (systemClock.monotonic() > end)
      throw new CommandError(
        `cluster ${name} is not ${wanted === 'Ready' ? 'ready' : wanted.toLowerCase()} in time`,
        `It goes on; windlass cluster status ${name} --follow shows how.`,
      );
    await sleep(systemClock, LOOK_EVERY_MS, signal);
  }
}

async function present(
  client: Client,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Cluster | undefined> {
  try {
    return await client.get<Cluster>(CLUSTERS, namespace, name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
