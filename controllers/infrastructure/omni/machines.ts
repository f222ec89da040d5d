// Machines that Omni has: which are free, and which are left of clusters that are gone.
import { InfrastructureError, InvalidRequest } from '../errors.ts';
import { LABELS, labelSchemeOf } from '../label-scheme.ts';
import { OMNI_TYPES } from './omni-client.ts';
import type { OmniClient, OmniResource } from './omni-client.ts';
import type { OmniSettings } from './omni-settings.ts';

/** Omni's own labels. */
export const OMNI_LABELS = {
  cluster: 'omni.sidero.dev/cluster',
  machineSet: 'omni.sidero.dev/machine-set',
  controller: 'omni.sidero.dev/role-controlplane',
  worker: 'omni.sidero.dev/role-worker',
  available: 'omni.sidero.dev/available',
} as const;

/** Fewer machines are free than are asked for: nothing was taken. */
export class NotEnoughMachines extends InfrastructureError {
  override readonly reason = 'NotEnoughMachines';
  override readonly name = 'NotEnoughMachines';

  constructor(wanted: number, free: number) {
    super(`omni: ${wanted} machines are wanted and ${free} are free: register more, or free some`);
  }
}

/**
 * Ids of exactly so many free machines that the settings allow, the lowest first.
 *
 * @throws NotEnoughMachines; InvalidRequest for a negative count
 */
export async function freeMachines(
  client: OmniClient,
  wanted: number,
  { allocation }: Pick<OmniSettings, 'allocation'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!Number.isInteger(wanted) || wanted < 0)
    throw new InvalidRequest(`cannot ask for ${wanted} machines: give a whole number from 0`);
  if (wanted === 0) return [];
  const taken = new Set((await client.list(OMNI_TYPES.machineSetNode, signal)).map(({ id }) => id));
  const free = (await client.list(OMNI_TYPES.machineStatus, signal)).filter(
    ({ id, labels, isTearingDown }) =>
      !isTearingDown &&
      !taken.has(id) &&
      labels[OMNI_LABELS.available] !== undefined &&
      labels[OMNI_LABELS.cluster] === undefined &&
      ('label' in allocation
        ? labels[allocation.label] !== undefined
        : allocation.machines.includes('*') || allocation.machines.includes(id)),
  );
  if (free.length < wanted) throw new NotEnoughMachines(wanted, free.length);
  return free.slice(0, wanted).map(({ id }) => id);
}

/**
 * Allocations with all labels of ours whose cluster Omni does not have any more. Those without, or of a living cluster, are not.
 *
 * @param clusterUID only of this one; absent: of any
 */
export async function orphanedNodes(
  client: OmniClient,
  signal: AbortSignal,
  clusterUID?: string,
): Promise<readonly OmniResource[]> {
  const scheme = labelSchemeOf('windlass');
  const clusters = new Set((await client.list(OMNI_TYPES.cluster, signal)).map(({ id }) => id));
  return (await client.list(OMNI_TYPES.machineSetNode, signal)).filter(({ labels }) => {
    const node = scheme.nodeOf(labels);
    const cluster = labels[OMNI_LABELS.cluster];
    if (node === undefined || cluster === undefined || clusters.has(cluster)) return false;
    return clusterUID === undefined || labels[LABELS.clusterUID] === clusterUID;
  });
}

/** Lets the machines of dead clusters go. @returns their ids */
export async function collectOrphans(
  client: OmniClient,
  signal: AbortSignal,
  clusterUID?: string,
): Promise<readonly string[]> {
  const orphans = await orphanedNodes(client, signal, clusterUID);
  for (const { id } of orphans) await client.destroy(OMNI_TYPES.machineSetNode, id, signal);
  return orphans.map(({ id }) => id);
}
