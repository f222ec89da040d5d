// One operation at a time per machine, by a Lease of the machine. It is held in the name of the operation, not of a process: whoever
// goes on with the operation after a crash has it already.
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../machinery/request-error.ts';
import { LEASES } from '../machinery/resources.ts';
import { microTimestamp, parseTimestamp } from '../machinery/timestamps.ts';
import type { Claim } from './plan.ts';
import { isFinished, MACHINE_OPERATIONS } from './types.ts';
import type { MachineOperation } from './types.ts';

interface MachineLease extends ApiObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
}

/** Names the operation that holds it, for people and for whoever asks whether it still lives. */
const NAME_ANNOTATION = 'windlass.dev/operation-name';
/** An operation gives its machines back before its deadline is long past. */
const GRACE_SECONDS = 60;
/** What a Lease takes. */
const MOST_SECONDS = 2 ** 31 - 1;

export function leaseName(machine: string): string {
  return `machine-operation-${machine}`;
}

/** Who has the machine. A holder that is gone, has ended or is long overdue is nobody. */
export async function claimOf(
  client: Pick<Client, 'get'>,
  operation: MachineOperation,
  machine: string,
  now: number,
  signal: AbortSignal,
): Promise<Claim> {
  const lease = await readLease(client, operation, machine, signal);
  if (lease === undefined) return 'free';
  return (await standing(client, lease, operation, now, signal)) ?? 'free';
}

/** Takes the machine, unless somebody else has it. @returns whether it is ours now */
export async function claimMachine(
  client: Pick<Client, 'get' | 'create' | 'update'>,
  operation: MachineOperation,
  machine: string,
  { now, deadlineMs }: { readonly now: number; readonly deadlineMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '', name, uid } = operation.metadata;
  const lease = await readLease(client, operation, machine, signal);
  const spec = {
    holderIdentity: uid,
    acquireTime: microTimestamp(now),
    renewTime: microTimestamp(now),
    leaseDurationSeconds: Math.min(Math.ceil(deadlineMs / 1000) + GRACE_SECONDS, MOST_SECONDS),
  };
  const metadata = {
    name: leaseName(machine),
    namespace,
    annotations: { [NAME_ANNOTATION]: name },
    // Gone with the operation, whatever happens to us.
    ownerReferences: [
      { apiVersion: 'windlass.dev/v1alpha1', kind: MACHINE_OPERATIONS.kind, name, uid },
    ],
  };
  try {
    if (lease === undefined) {
      const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
      await client.create(LEASES, namespace, object, signal);
      return true;
    }
    const found = await standing(client, lease, operation, now, signal);
    if (found !== undefined) return found === 'ours';
    // With the version that was read: of two who take it, one is refused.
    const changed = { ...lease, metadata: { ...lease.metadata, ...metadata }, spec };
    await client.update(LEASES, changed, '', signal);
    return true;
  } catch (error) {
    if (isAlreadyExists(error) || isConflict(error) || isNotFound(error)) return false;
    throw error;
  }
}

/** Gives the machine back, if it is this operation's. */
export async function releaseMachine(
  client: Pick<Client, 'get' | 'delete'>,
  operation: MachineOperation,
  machine: string,
  signal: AbortSignal,
): Promise<void> {
  const lease = await readLease(client, operation, machine, signal);
  if (lease?.spec?.holderIdentity !== operation.metadata.uid) return;
  const { namespace = '', name, uid, resourceVersion } = lease.metadata;
  try {
    await client.delete(LEASES, namespace, name, { uid, resourceVersion }, signal);
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function readLease(
  client: Pick<Client, 'get'>,
  { metadata }: MachineOperation,
  machine: string,
  signal: AbortSignal,
): Promise<MachineLease | undefined> {
  try {
    return await client.get<MachineLease>(
      LEASES,
      metadata.namespace ?? '',
      leaseName(machine),
      signal,
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Undefined: whoever holds it does nothing with it any more. */
async function standing(
  client: Pick<Client, 'get'>,
  { spec = {}, metadata }: MachineLease,
  operation: MachineOperation,
  now: number,
  signal: AbortSignal,
): Promise<Exclude<Claim, 'free'> | undefined> {
  if (spec.holderIdentity === operation.metadata.uid) return 'ours';
  const renewed = parseTimestamp(spec.renewTime) ?? 0;
  const isOverdue = renewed + (spec.leaseDurationSeconds ?? 0) * 1000 < now;
  const name = metadata.annotations?.[NAME_ANNOTATION];
  if (isOverdue || name === undefined || spec.holderIdentity === undefined) return undefined;
  try {
    const holder = await client.get<MachineOperation>(
      MACHINE_OPERATIONS,
      operation.metadata.namespace ?? '',
      name,
      signal,
    );
    const isSame = holder.metadata.uid === spec.holderIdentity;
    return isSame && !isFinished(holder) ? { holder: name } : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
