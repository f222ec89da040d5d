// What an operation does next, from what is seen. Pure: the same look gives the same plan, so that whoever takes over after a crash
// goes on where the last one stopped.
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { selectorMatches } from '../machinery/label-selector.ts';
import { parseTimestamp, timestamp } from '../machinery/timestamps.ts';
import { annotationOf, FINALIZER, isFinished, OPERATION_ANNOTATION } from './types.ts';
import type {
  MachineOperation,
  OperationResult,
  OperationStatus,
  OperationType,
  TargetMachine,
} from './types.ts';

/** Who has a machine: nobody, this operation, or another one. */
export type Claim = 'free' | 'ours' | { readonly holder: string };

export interface OperationWorld {
  readonly now: number;
  readonly deadlineMs: number;
  /** Machines of the namespace. */
  readonly machines: readonly TargetMachine[];
  /** By name of the Machine; absent: nobody. */
  readonly claims: ReadonlyMap<string, Claim>;
}

export type OperationAction =
  /** The finalizer, before anything is done that must be undone. */
  | { readonly op: 'hold' }
  | { readonly op: 'forget' }
  | { readonly op: 'claim'; readonly machine: string }
  | { readonly op: 'ask'; readonly machine: string }
  | { readonly op: 'collect'; readonly machine: string }
  /** The annotation, where it is still this operation's, then the claim. */
  | { readonly op: 'letGo'; readonly machine: string }
  | { readonly op: 'delete' };

export interface OperationPlan {
  readonly status: OperationStatus;
  /** Done after the status is written, in order. */
  readonly actions: readonly OperationAction[];
  /** Look again after so long even if nothing changes. */
  readonly recheckMs?: number;
}

/** These take machines away for a while: one after the other, and no further after a failure. */
const ONE_BY_ONE: ReadonlySet<OperationType> = new Set(['Reboot', 'Rollback', 'Reset']);

/** How soon an answer is noticed where nobody tells of it. */
const RECHECK_MS = 2_000;

const ENDED: ReadonlySet<string> = new Set(['Complete', 'Failed']);

export function planOperation(operation: MachineOperation, world: OperationWorld): OperationPlan {
  const { status = {} } = operation;
  const isHeld = operation.metadata.finalizers?.includes(FINALIZER) === true;
  if (isFinished(operation)) return planAfter(operation, isHeld, world.now);
  if (operation.metadata.deletionTimestamp !== undefined)
    return planGoing(operation, isHeld, world);
  const created = parseTimestamp(operation.metadata.creationTimestamp) ?? world.now;
  const leftMs = created + world.deadlineMs - world.now;
  const targets = targetsOf(operation, world.machines);
  const results: OperationResult[] = [];
  const actions: OperationAction[] = [];
  for (const target of targets) {
    const before = status.results?.find(({ machine }) => machine === target);
    const others = { results, isOneByOne: ONE_BY_ONE.has(operation.spec.type) };
    const next = planMachine(operation, target, before, leftMs, world, others);
    results.push(next.result);
    actions.push(...next.actions);
  }
  const isOver = results.every(({ phase }) => ENDED.has(phase));
  if (!isHeld && actions.some(({ op }) => op === 'claim')) actions.unshift({ op: 'hold' });
  // What was taken is given back first: an operation that has ended is not looked at again.
  const isSettled = isOver && actions.length === 0;
  const began = results.some(({ phase }) => phase !== 'Pending');
  const now = timestamp(world.now);
  return {
    status: summarized(operation, results, {
      isSettled,
      now,
      ...(began ? { startTime: status.startTime ?? now } : {}),
    }),
    actions,
    ...(isOver ? {} : { recheckMs: Math.max(100, Math.min(leftMs, RECHECK_MS)) }),
  };
}

/** Those it began with; a selector is read once. */
function targetsOf(
  operation: MachineOperation,
  machines: readonly TargetMachine[],
): readonly string[] {
  const { machineRef, selector } = operation.spec;
  if (machineRef !== undefined) return [machineRef.name];
  const known = operation.status?.results;
  if (known !== undefined) return known.map(({ machine }) => machine);
  return machines
    .filter(({ metadata }) => selectorMatches(selector, metadata.labels ?? {}))
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

interface Others {
  /** Of the machines before this one. */
  readonly results: readonly OperationResult[];
  readonly isOneByOne: boolean;
}

interface MachinePlan {
  readonly result: OperationResult;
  readonly actions: readonly OperationAction[];
}

function planMachine(
  operation: MachineOperation,
  target: string,
  before: OperationResult | undefined,
  leftMs: number,
  world: OperationWorld,
  others: Others,
): MachinePlan {
  const machine = world.machines.find(({ metadata }) => metadata.name === target);
  const claim = world.claims.get(target) ?? 'free';
  const isAsked = machine?.metadata.annotations?.[OPERATION_ANNOTATION] === annotationOf(operation);
  const letGo: readonly OperationAction[] =
    claim === 'ours' || isAsked ? [{ op: 'letGo', machine: target }] : [];
  const ended = (phase: 'Complete' | 'Failed', message: string): MachinePlan => ({
    result: { machine: target, phase, message },
    actions: letGo,
  });
  const going = (
    phase: 'Pending' | 'InProgress',
    message: string,
    ...actions: OperationAction[]
  ): MachinePlan => ({
    result: { machine: target, phase, message },
    actions,
  });
  if (before !== undefined && ENDED.has(before.phase)) return { result: before, actions: letGo };
  const answer = machine?.status?.operation;
  const isAnswer = answer?.uid === operation.metadata.uid;
  if (isAnswer && (answer?.phase === 'Complete' || answer?.phase === 'Failed'))
    return ended(answer.phase, answer.message ?? '');
  if (machine === undefined && before?.phase === 'InProgress')
    return ended('Failed', 'the Machine is gone');
  const isWaiting = waitsFor(others);
  if (leftMs <= 0) return ended('Failed', overdue(machine, claim, before, isWaiting));
  if (isWaiting?.isFinal === true) return ended('Failed', isWaiting.message);
  if (machine === undefined) return going('Pending', 'there is no such Machine');
  if (machine.metadata.deletionTimestamp !== undefined)
    return ended('Failed', 'the Machine is being deleted');
  if (isWaiting !== undefined) return going('Pending', isWaiting.message);
  if (typeof claim === 'object') return going('Pending', `waits for ${claim.holder}`);
  if (claim === 'free')
    return going('Pending', 'takes the machine', { op: 'claim', machine: target });
  if (operation.spec.type === 'CollectLogs')
    return going('InProgress', 'collects', { op: 'collect', machine: target });
  const said = isAnswer ? (answer?.message ?? '') : '';
  if (isAsked) return going('InProgress', said === '' ? 'asked; no answer yet' : said);
  return going('InProgress', 'asks', { op: 'ask', machine: target });
}

/** One after the other: what the machines before this one mean for it. */
function waitsFor({
  results,
  isOneByOne,
}: Others): { readonly message: string; readonly isFinal: boolean } | undefined {
  if (!isOneByOne) return undefined;
  const failed = results.find(({ phase }) => phase === 'Failed');
  if (failed !== undefined)
    return { message: `not begun, as ${failed.machine} failed`, isFinal: true };
  const busy = results.find(({ phase }) => phase !== 'Complete');
  return busy && { message: `waits until ${busy.machine} is done`, isFinal: false };
}

function overdue(
  machine: TargetMachine | undefined,
  claim: Claim,
  before: OperationResult | undefined,
  isWaiting: { readonly message: string } | undefined,
): string {
  const so = 'the deadline has passed';
  if (machine === undefined) return `${so}: there is no such Machine`;
  if (isWaiting !== undefined) return `${so}: ${isWaiting.message}`;
  if (typeof claim === 'object') return `${so}: it waited for ${claim.holder}`;
  if (before?.phase !== 'InProgress') return `${so}: nobody took it`;
  if (before.message === undefined || before.message.startsWith('ask'))
    return `${so}: the machine controller did not answer`;
  return `${so}: ${before.message}`;
}

function summarized(
  operation: MachineOperation,
  results: readonly OperationResult[],
  {
    isSettled,
    now,
    startTime,
  }: { readonly isSettled: boolean; readonly now: string; readonly startTime?: string },
): OperationStatus {
  const { status = {}, metadata } = operation;
  const failed = results.filter(({ phase }) => phase === 'Failed');
  const done = results.filter(({ phase }) => phase === 'Complete');
  const isFailure = failed.length > 0 || results.length === 0;
  const message = messageOf(results, failed, done);
  const base: OperationStatus = {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase: isSettled
      ? isFailure
        ? 'Failed'
        : 'Complete'
      : startTime === undefined
        ? 'Pending'
        : 'InProgress',
    ...(startTime === undefined ? {} : { startTime }),
    message,
    results,
  };
  if (!isSettled) return base;
  const wanted: Omit<Condition, 'lastTransitionTime'>[] = [
    {
      type: 'Complete',
      status: isFailure ? 'False' : 'True',
      reason: isFailure ? 'Failed' : 'Done',
      message,
    },
    {
      type: 'Failed',
      status: isFailure ? 'True' : 'False',
      reason: results.length === 0 ? 'NoMachines' : isFailure ? 'Failed' : 'Done',
      message,
    },
  ];
  return {
    ...base,
    completionTime: status.completionTime ?? now,
    conditions: setConditions(status.conditions ?? [], wanted, now),
  };
}

function messageOf(
  results: readonly OperationResult[],
  failed: readonly OperationResult[],
  done: readonly OperationResult[],
): string {
  const [only, ...more] = results;
  if (only === undefined) return 'no Machine of the namespace has these labels';
  if (more.length === 0) return only.message ?? '';
  const [first] = failed;
  const why = first === undefined ? '' : `; ${first.machine}: ${first.message ?? 'failed'}`;
  return `${done.length} of ${results.length} done, ${failed.length} failed${why}`;
}

/** Deleted before its end: machines are given back. */
function planGoing(
  operation: MachineOperation,
  isHeld: boolean,
  world: OperationWorld,
): OperationPlan {
  const { status = {} } = operation;
  const actions = targetsOf(operation, world.machines).flatMap((target): OperationAction[] => {
    const machine = world.machines.find(({ metadata }) => metadata.name === target);
    const isAsked =
      machine?.metadata.annotations?.[OPERATION_ANNOTATION] === annotationOf(operation);
    return isAsked || world.claims.get(target) === 'ours' ? [{ op: 'letGo', machine: target }] : [];
  });
  return { status, actions: [...actions, ...(isHeld ? [{ op: 'forget' } as const] : [])] };
}

/** An operation that has ended only waits to be deleted. */
function planAfter(
  { spec, status = {}, metadata }: MachineOperation,
  isHeld: boolean,
  now: number,
): OperationPlan {
  const forget: readonly OperationAction[] = isHeld ? [{ op: 'forget' }] : [];
  const ended = parseTimestamp(status.completionTime);
  const isGoing = metadata.deletionTimestamp !== undefined;
  if (spec.ttlSecondsAfterFinished === undefined || ended === undefined || isGoing)
    return { status, actions: forget };
  const leftMs = ended + spec.ttlSecondsAfterFinished * 1000 - now;
  if (leftMs <= 0) return { status, actions: [...forget, { op: 'delete' }] };
  return { status, actions: forget, recheckMs: leftMs };
}
