// Makes one action of a plan happen. Each may be done twice, and may find that somebody else was first.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Client } from '../machinery/client-types.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { MACHINES } from '../machinery/resources.ts';
import { claimMachine, releaseMachine } from './claim-machine.ts';
import { collectLogs } from './collect-logs.ts';
import type { CollectOptions } from './collect-logs.ts';
import type { OperationAction } from './plan.ts';
import { annotationOf, FINALIZER, MACHINE_OPERATIONS, OPERATION_ANNOTATION } from './types.ts';
import type { MachineOperation, OperationResult, TargetMachine } from './types.ts';

export interface ExecuteOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly fleet: CollectOptions['fleet'];
  readonly hosts: CollectOptions['hosts'];
  /** As it was written last. */
  readonly operation: MachineOperation;
  readonly machines: readonly TargetMachine[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export async function executeAction(
  action: OperationAction,
  options: ExecuteOptions,
): Promise<void> {
  const { client, clock, operation, deadlineMs, signal } = options;
  const { namespace = '', name, uid } = operation.metadata;
  switch (action.op) {
    case 'hold':
      await setFinalizers(options, [...(operation.metadata.finalizers ?? []), FINALIZER]);
      break;
    case 'forget':
      await setFinalizers(
        options,
        (operation.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER),
      );
      break;
    case 'claim':
      await claimMachine(
        client,
        operation,
        action.machine,
        { now: clock.now(), deadlineMs },
        signal,
      );
      break;
    case 'ask':
      await annotate(options, action.machine, annotationOf(operation));
      break;
    case 'letGo':
      await annotate(options, action.machine, null);
      await releaseMachine(client, operation, action.machine, signal);
      break;
    case 'collect':
      await writeResult(options, await collectLogs(action.machine, options));
      break;
    case 'delete':
      await tolerant(client.delete(MACHINE_OPERATIONS, namespace, name, { uid }, signal));
      break;
  }
}

/** Sets the annotation, or takes away that of this operation. A Machine that changed meanwhile is looked at again. */
async function annotate(
  { client, operation, machines, signal }: ExecuteOptions,
  name: string,
  value: string | null,
): Promise<void> {
  const machine = machines.find(({ metadata }) => metadata.name === name);
  if (machine === undefined) return;
  const found = machine.metadata.annotations?.[OPERATION_ANNOTATION];
  if (value === null && found !== annotationOf(operation)) return;
  const { namespace = '', resourceVersion } = machine.metadata;
  const patch = { metadata: { resourceVersion, annotations: { [OPERATION_ANNOTATION]: value } } };
  await tolerant(client.patch(MACHINES, namespace, name, '', 'merge', patch, signal));
}

async function setFinalizers(
  { client, operation, signal }: ExecuteOptions,
  finalizers: readonly string[],
): Promise<void> {
  const { namespace = '', name, resourceVersion } = operation.metadata;
  // Only on top of what was read: others may have finalizers too.
  const patch = { metadata: { resourceVersion, finalizers } };
  await tolerant(client.patch(MACHINE_OPERATIONS, namespace, name, '', 'merge', patch, signal));
}

async function writeResult(
  { client, operation, signal }: ExecuteOptions,
  result: OperationResult,
): Promise<void> {
  const { namespace = '', name } = operation.metadata;
  // Results of other machines may have been written by this same look.
  const now = await client.get<MachineOperation>(MACHINE_OPERATIONS, namespace, name, signal);
  if (now.metadata.uid !== operation.metadata.uid) return;
  const results = (now.status?.results ?? []).map((other) =>
    other.machine === result.machine ? result : other,
  );
  const { resourceVersion } = now.metadata;
  const patch = { metadata: { resourceVersion }, status: { results } };
  await tolerant(
    client.patch(MACHINE_OPERATIONS, namespace, name, 'status', 'merge', patch, signal),
  );
}

async function tolerant(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
