// Takes a cluster away that is being deleted: workers, then controllers, then what its infrastructure still has of it. The finalizer
// goes last, so that nothing outlives the object that names it.
import type { Clock } from '#platform/clock.ts';
import type { Client } from '../machinery/client-types.ts';
import { setConditions } from '../machinery/conditions.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { CLUSTERS, MACHINES } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { remove } from './apply-steps.ts';
import { isOwnMachine } from './observed.ts';
import { CLUSTER_FINALIZER } from './types.ts';
import type { Cluster, ClusterStatus, Machine } from './types.ts';
import { isController } from './wanted-machines.ts';
import { writeStatus } from './write-status.ts';

/** What machines are made of, besides the Machines themselves. */
export interface Infrastructure {
  /** Removes everything that carries this cluster's full label. @returns what is left, as sentences; empty when nothing is */
  removeAll(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]>;
}

export interface TearDownOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly infrastructure?: Infrastructure;
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
}

/** @returns whether to look again */
export async function tearDown(
  options: TearDownOptions,
  machines: readonly Machine[],
): Promise<boolean> {
  const { client, cluster, infrastructure, signal } = options;
  const { finalizers = [], name, namespace = '', resourceVersion } = cluster.metadata;
  if (!finalizers.includes(CLUSTER_FINALIZER)) return false;
  const own = machines.filter((machine) => isOwnMachine(machine, cluster));
  const workers = own.filter(({ spec }) => !isController(spec.role));
  const next = workers.length > 0 ? workers : own;
  for (const machine of next)
    if (machine.metadata.deletionTimestamp === undefined) await remove(client, machine, signal);
  if (own.length > 0) {
    const names = own.map(({ metadata }) => metadata.name).join(', ');
    await say(
      options,
      'Deleting',
      `waiting for ${own.length} machines to go: ${names}`,
      own.length,
    );
    return true;
  }
  // Caches are late, and this cannot be done again once the finalizer is gone.
  const { items } = await client.list<Machine>(MACHINES, { namespace }, signal);
  if (items.some((machine) => isOwnMachine(machine, cluster))) return true;
  let left: readonly string[] = [];
  try {
    left = (await infrastructure?.removeAll(cluster, signal)) ?? [];
  } catch (error) {
    signal.throwIfAborted();
    left = [error instanceof Error ? error.message : String(error)];
  }
  if (left.length > 0) {
    await say(options, 'DeletionFailed', `what is left cannot be removed: ${left.join('; ')}`, 0);
    return true;
  }
  const metadata = {
    resourceVersion,
    finalizers: finalizers.filter((one) => one !== CLUSTER_FINALIZER),
  };
  try {
    await client.patch(CLUSTERS, namespace, name, '', 'merge', { metadata }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return false;
}

async function say(
  { client, clock, events, cluster, signal }: TearDownOptions,
  reason: string,
  message: string,
  nodesTotal: number,
): Promise<void> {
  const observedGeneration = cluster.metadata.generation ?? 1;
  const status: ClusterStatus = {
    ...cluster.status,
    observedGeneration,
    phase: 'Deleting',
    ready: false,
    nodesTotal,
    conditions: setConditions(
      cluster.status?.conditions ?? [],
      [{ type: 'Ready', status: 'False', reason, message, observedGeneration }],
      timestamp(clock.now()),
    ),
  };
  await writeStatus(client, events, cluster, status, signal);
}
