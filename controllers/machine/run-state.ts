// How the record of a run changes: a step begins, ends, fails; a run begins, turns back, ends. Pure; every change is saved before the
// world is touched and after, so that whoever comes after a crash knows where it was.
import { otherSlot } from '../rootfs/goal-state.ts';
import type { TaskReport } from '../rootfs/task.ts';
import { BACK_STEPS, FORWARD_STEPS } from './types.ts';
import type { MachineRun, MachineStatus, MachineStep, StepName, StepState } from './types.ts';

const MOST_QUARANTINED = 16;
/** A status is no place for books. */
const MOST_MESSAGE = 2_000;

export function stepsOf(run: Pick<MachineRun, 'direction'>): readonly StepName[] {
  return run.direction === 'Forward' ? FORWARD_STEPS : BACK_STEPS;
}

export function stepOf(status: MachineStatus, name: StepName): MachineStep | undefined {
  return status.steps?.find((step) => step.name === name);
}

export function stateOf(status: MachineStatus, name: StepName): StepState {
  return stepOf(status, name)?.state ?? 'Pending';
}

/** The first step that is not done; undefined when the run is at its end. */
export function nextStep(status: MachineStatus, run: MachineRun): StepName | undefined {
  return stepsOf(run).find((name) => stateOf(status, name) !== 'Done');
}

/** From here on the old slot may be stopped: there is no way back but the rollback. */
export function isPastSwitch(status: MachineStatus): boolean {
  return stateOf(status, 'Switch') !== 'Pending';
}

export function beginRun(
  status: MachineStatus,
  specHash: string,
  isRebuild = false,
): MachineStatus {
  const slot = status.activeSlot === undefined ? 'a' : otherSlot(status.activeSlot);
  const steps = FORWARD_STEPS.map((name) => pending(name));
  return {
    ...status,
    run: { specHash, slot, direction: 'Forward', ...(isRebuild ? { isRebuild } : {}) },
    steps,
  };
}

/** A run that makes the slot before the last good one active again, without building anything. */
export function beginReturn(status: MachineStatus, specHash: string): MachineStatus {
  const { previous } = status;
  if (previous === undefined) return status;
  const { slot, goalHash, version } = previous;
  const run: MachineRun = {
    specHash,
    slot,
    direction: 'Forward',
    goalHash,
    isReturn: true,
    ...(version === undefined ? {} : { version }),
  };
  const built = new Set<string>(['Resolve', 'Infra', 'Preflight', 'Stage', 'RootFS']);
  const steps = FORWARD_STEPS.map((name) => pending(name, built.has(name) ? 'Done' : 'Pending'));
  return { ...status, run, steps };
}

/** The same run the other way; what it had done stays on record. */
export function turnBack(status: MachineStatus): MachineStatus {
  const { run, steps = [] } = status;
  if (run === undefined) return status;
  const isBack = new Set<string>(BACK_STEPS);
  const kept = steps
    .filter(({ name }) => !isBack.has(name))
    .map((step) => (isOpen(step) ? { ...step, state: 'Cancelled' as const } : step));
  // Before the switch nothing runs that must be stopped.
  const back = BACK_STEPS.map((name) =>
    pending(name, name === 'Rollback' && !isPastSwitch(status) ? 'Done' : 'Pending'),
  );
  return { ...status, run: { ...run, direction: 'Back' }, steps: [...kept, ...back] };
}

/** Nothing was done yet that must be undone. */
export function dropRun(status: MachineStatus): MachineStatus {
  return {
    ...without(status, 'run'),
    steps: (status.steps ?? []).map((step) =>
      isOpen(step) ? { ...step, state: 'Cancelled' as const } : step,
    ),
  };
}

export function stepStarted(status: MachineStatus, name: StepName, now: string): MachineStatus {
  const before = stepOf(status, name);
  // Resumed, not begun again: deadlines count from the first start.
  const isResumed = before?.state === 'Running';
  const attempt = (before?.attempt ?? 0) + (isResumed ? 0 : 1);
  const startedAt = isResumed ? before.startedAt : now;
  return withStep(status, {
    name,
    state: 'Running',
    attempt,
    ...(startedAt === undefined ? {} : { startedAt }),
  });
}

export function stepDone(
  status: MachineStatus,
  name: StepName,
  now: string,
  message?: string,
): MachineStatus {
  return withStep(status, {
    ...(stepOf(status, name) ?? pending(name)),
    state: 'Done',
    finishedAt: now,
    ...worded(message),
  });
}

export function stepFailed(
  status: MachineStatus,
  name: StepName,
  now: string,
  message: string,
): MachineStatus {
  return withStep(status, {
    ...(stepOf(status, name) ?? pending(name)),
    state: 'Failed',
    finishedAt: now,
    ...worded(message),
  });
}

/** Why a step goes on; the same words change nothing. */
export function stepWaits(status: MachineStatus, name: StepName, message: string): MachineStatus {
  const before = stepOf(status, name);
  if (before === undefined || before.message === message) return status;
  return withStep(status, { ...before, ...worded(message) });
}

/** A task of a step, told under its own name after the step. */
export function taskReported(
  status: MachineStatus,
  step: StepName,
  { name, state, startedAt, durationMs, message }: TaskReport,
): MachineStatus {
  const task: MachineStep = {
    name,
    state,
    attempt: stepOf(status, step)?.attempt ?? 1,
    startedAt: iso(startedAt),
    ...(durationMs === undefined ? {} : { finishedAt: iso(startedAt + durationMs) }),
    ...worded(message),
  };
  const steps = status.steps ?? [];
  if (steps.some((each) => each.name === name)) return withStep(status, task);
  const after = steps.findLastIndex(
    (each) => each.name === step || !isStepName(each.name) || isBefore(each.name, step),
  );
  return { ...status, steps: steps.toSpliced(after + 1, 0, task) };
}

export function quarantine(status: MachineStatus, goalHash: string | undefined): MachineStatus {
  const known = status.quarantined ?? [];
  if (goalHash === undefined || known.includes(goalHash)) return status;
  return { ...status, quarantined: [...known, goalHash].slice(-MOST_QUARANTINED) };
}

/** The same without one of its fields. */
export function without(status: MachineStatus, field: keyof MachineStatus): MachineStatus {
  return Object.fromEntries(Object.entries(status).filter(([name]) => name !== field));
}

function withStep(status: MachineStatus, step: MachineStep): MachineStatus {
  const steps = status.steps ?? [];
  const isThere = steps.some(({ name }) => name === step.name);
  return {
    ...status,
    steps: isThere
      ? steps.map((each) => (each.name === step.name ? step : each))
      : [...steps, step],
  };
}

function pending(name: string, state: StepState = 'Pending'): MachineStep {
  return { name, state, attempt: 0 };
}

function isOpen({ state }: MachineStep): boolean {
  return state === 'Pending' || state === 'Running';
}

function isStepName(name: string): boolean {
  return (FORWARD_STEPS as readonly string[]).includes(name) || name === 'Rollback';
}

function isBefore(name: string, step: StepName): boolean {
  const order: readonly string[] = FORWARD_STEPS;
  return order.indexOf(name) >= 0 && order.indexOf(name) < order.indexOf(step);
}

function worded(message: string | undefined): { readonly message?: string } {
  if (message === undefined || message === '') return {};
  return {
    message: message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE)}…` : message,
  };
}

function iso(millis: number): string {
  return new Date(millis).toISOString().replace(/\.\d+Z$/, 'Z');
}
