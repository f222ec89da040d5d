// Writes the status of a Cluster when it says something new, and events for conditions that turned.
import type { Client } from '../machinery/client-types.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { CLUSTERS } from '../machinery/resources.ts';
import type { Cluster, ClusterStatus } from './types.ts';
import { canonical } from './wanted-machines.ts';

/** Conditions that somebody should look at when they become true. */
const WARNINGS = ['Degraded', 'RolloutHalted'];

export async function writeStatus(
  client: Client,
  events: Pick<EventRecorder, 'record'>,
  cluster: Cluster,
  status: ClusterStatus,
  signal: AbortSignal,
): Promise<void> {
  const before: ClusterStatus = cluster.status ?? {};
  if (canonical(before) === canonical(status)) return;
  const { namespace = '', name, resourceVersion } = cluster.metadata;
  // A merge patch leaves alone what it does not name: what is gone must be named.
  const gone = Object.fromEntries(
    Object.keys(before)
      .filter((field) => !(field in status))
      .map((field) => [field, null]),
  );
  const patch = {
    // Only on top of what was read: what was begun is never forgotten because somebody was late.
    metadata: { resourceVersion },
    status: { ...gone, ...status, ...nested(before, status) },
  };
  await client.patch(CLUSTERS, namespace, name, 'status', 'merge', patch, signal);
  for (const { type, status: is, reason, message } of status.conditions ?? []) {
    const was = before.conditions?.find((condition) => condition.type === type);
    if (was?.status === is && was.reason === reason) continue;
    if (WARNINGS.includes(type) && is === 'True')
      events.record(CLUSTERS, cluster, 'Warning', reason, message);
    if (type === 'PlanReady' && is === 'False')
      events.record(CLUSTERS, cluster, 'Warning', reason, message);
    if (type === 'Ready' && is === 'True')
      events.record(CLUSTERS, cluster, 'Normal', reason, message);
  }
}

/** A map in a merge patch is merged too: fields of approvedPlan that are gone must be named as well. */
function nested(before: ClusterStatus, status: ClusterStatus): object {
  if (status.approvedPlan === undefined || before.approvedPlan === undefined) return {};
  const gone = Object.keys(before.approvedPlan)
    .filter((field) => !Object.hasOwn(status.approvedPlan ?? {}, field))
    .map((field) => [field, null]);
  return { approvedPlan: { ...Object.fromEntries(gone), ...status.approvedPlan } };
}
