// One look at an operation: claims, plan, status, actions. Nothing is kept in memory between two looks, so that it does not matter who
// takes the next one.
import { DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { MACHINES } from '../machinery/resources.ts';
import { claimOf } from './claim-machine.ts';
import { durationMs } from './duration-ms.ts';
import { executeAction } from './execute.ts';
import type { ExecuteOptions } from './execute.ts';
import { planOperation } from './plan.ts';
import type { Claim } from './plan.ts';
import { isFinished, MACHINE_OPERATIONS } from './types.ts';
import type { MachineOperation, TargetMachine } from './types.ts';
import { writeStatus } from './write-status.ts';

export type LookContext = Pick<ExecuteOptions, 'client' | 'clock' | 'ids' | 'hosts' | 'signal'> & {
  readonly fleet?: ExecuteOptions['fleet'];
  readonly events: Pick<EventRecorder, 'record'>;
};

const DEFAULT_DEADLINE_MS = 600_000;
/** What was just done is seen by the next look. */
const LOOK_AGAIN: ReconcileResult = { outcome: 'requeueAfter', delayMs: 100 };

/** @param cached the operation, perhaps as it was a moment ago */
export async function lookAt(
  cached: MachineOperation,
  context: LookContext,
): Promise<ReconcileResult> {
  const { client, clock, events, signal } = context;
  const operation = isFinished(cached) ? cached : await fresh(cached, context);
  if (operation === undefined) return DONE;
  const now = clock.now();
  const deadlineMs = durationMs(operation.spec.deadline) ?? DEFAULT_DEADLINE_MS;
  const claims = new Map<string, Claim>();
  for (const machine of isFinished(operation) ? [] : begunWith(operation))
    claims.set(machine, await claimOf(client, operation, machine, now, signal));
  const machines = isFinished(operation) ? [] : await machinesFor(operation, context);
  const plan = planOperation(operation, { now, deadlineMs, machines, claims });
  const written = await writeStatus(client, events, operation, plan.status, signal);
  if (written === undefined) return LOOK_AGAIN;
  for (const action of plan.actions)
    await executeAction(action, {
      ...context,
      fleet: context.fleet,
      operation: written,
      machines,
      deadlineMs,
    });
  // Also after its last word: the finalizer goes then.
  if (plan.actions.length > 0 || written !== operation) return LOOK_AGAIN;
  return plan.recheckMs === undefined ? DONE : { outcome: 'requeueAfter', delayMs: plan.recheckMs };
}

/** A cache that is behind would have things done twice. */
async function fresh(
  { metadata }: MachineOperation,
  { client, signal }: LookContext,
): Promise<MachineOperation | undefined> {
  const { namespace = '', name } = metadata;
  try {
    return await client.get<MachineOperation>(MACHINE_OPERATIONS, namespace, name, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Read, not watched: few operations run at a time, and a server may have no Machines at all. */
async function machinesFor(
  { spec, metadata: { namespace = '' } }: MachineOperation,
  { client, signal }: LookContext,
): Promise<readonly TargetMachine[]> {
  try {
    if (spec.machineRef !== undefined)
      return [await client.get<TargetMachine>(MACHINES, namespace, spec.machineRef.name, signal)];
    return (await client.list<TargetMachine>(MACHINES, { namespace }, signal)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function begunWith({ spec, status }: MachineOperation): readonly string[] {
  if (spec.machineRef !== undefined) return [spec.machineRef.name];
  return (status?.results ?? []).map(({ machine }) => machine);
}
