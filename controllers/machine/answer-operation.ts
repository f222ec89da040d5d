// What a MachineOperation asks of a machine is done, and the answer written: at once, or when what was begun has come to its end.
import type { EventType } from '../machinery/events.ts';
import type { MachineFacts } from './machine-conditions.ts';
import { performOperation } from './machine-operations.ts';
import type { AskedOperation, OperationContext } from './machine-operations.ts';
import type { MachineStore } from './machine-store.ts';
import type { MachineStatus } from './types.ts';

export interface AnswerOptions {
  readonly store: MachineStore;
  readonly facts: MachineFacts;
  readonly tell: (type: EventType, reason: string, message: string) => void;
}

/** Before anything is done it is on record that it was begun. @returns the status as it was written */
export async function answerOperation(
  asked: AskedOperation,
  { store, facts, tell }: AnswerOptions,
  context: OperationContext,
  signal: AbortSignal,
): Promise<MachineStatus> {
  const { status = {} } = store.machine;
  const isBegun = status.operation?.uid === asked.uid;
  const begun = isBegun
    ? status
    : { ...status, operation: { ...asked, phase: 'InProgress' as const } };
  await store.save(begun, facts, signal);
  const next = await performOperation(asked, begun, context, signal);
  await store.save(next, facts, signal);
  const { phase, message = '' } = next.operation ?? {};
  if (phase === 'Complete' || phase === 'Failed')
    tell(phase === 'Failed' ? 'Warning' : 'Normal', `${asked.type}${phase}`, message.slice(0, 500));
  return next;
}
