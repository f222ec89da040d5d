// Takes a machine's run as far as it goes now: decide, save, act, save. It keeps nothing in memory that a crash could lose.
import type { Clock } from '#platform/clock.ts';
import { backoffMs } from '#platform/backoff.ts';
import { HostUnreachableError } from '../hosts/host-errors.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { GoalChangedError, StepError } from './machine-work.ts';
import type { MachineWork, Resolved } from './machine-work.ts';
import { planMachine } from './plan-machine.ts';
import type { MachineInput } from './plan-machine.ts';
import {
  beginRun,
  dropRun,
  isPastSwitch,
  nextStep,
  quarantine,
  stepDone,
  stepFailed,
  stepOf,
  stepStarted,
  stepWaits,
  taskReported,
  turnBack,
  without,
} from './run-state.ts';
import type { MachineRun, MachineStatus, StepName } from './types.ts';

export interface AdvanceOptions {
  readonly clock: Clock;
  readonly work: MachineWork;
  /** Durable when it resolves. Rejects when somebody else changed the object. */
  readonly save: (status: MachineStatus) => Promise<void>;
  /** The newest of what may change while a run goes on. */
  readonly observe: () => Omit<MachineInput, 'status'>;
  readonly version: string | undefined;
  readonly verifyTimeoutMs: number;
  /** Told when a step failed the first time, and when the machine went back to its last good slot. */
  readonly tell: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

export interface Advanced {
  readonly status: MachineStatus;
  /** Look again after so long; undefined: nothing is going on. */
  readonly againMs?: number;
  /** Why it does not go on. */
  readonly held?: 'WaitingForBudget' | 'Paused';
}

const SOON_MS = 1_000;
const HOLD_MS = 10_000;
const RETRIES = { initialMs: 2_000, maximumMs: 60_000 };
/** After a drain that failed: the node works meanwhile. */
const DRAIN_AGAIN_MS = 15_000;

export async function advance(
  before: MachineStatus,
  options: AdvanceOptions,
  signal: AbortSignal,
): Promise<Advanced> {
  const { save, observe, tell } = options;
  let status = before;
  const keep = async (next: MachineStatus): Promise<void> => {
    await save(next);
    status = next;
  };
  for (;;) {
    signal.throwIfAborted();
    const seen = observe();
    const decision = planMachine({ status, ...seen });
    const waitMs =
      decision.next === 'begin' || decision.next === 'step' ? restMs(status, options) : 0;
    if (waitMs > 0) return { status, againMs: waitMs };
    switch (decision.next) {
      case 'rest':
        return { status };
      case 'hold':
        return { status, againMs: HOLD_MS, held: decision.reason };
      case 'begin':
        await keep(beginRun(status, seen.specHash));
        break;
      case 'drop':
        await keep(dropRun(status));
        break;
      case 'back':
        await keep(turnBack(status));
        break;
      case 'end':
        await keep(endRun(status));
        break;
      case 'step': {
        const { run } = status;
        if (run === undefined) return { status };
        const outcome = await takeStep(status, run, decision.step, keep, options, signal);
        if (outcome === undefined) break;
        if (outcome.rolledBack !== undefined)
          tell('Warning', 'RolledBack', `Goes back to the last good slot: ${outcome.rolledBack}`);
        else return { status, againMs: outcome.againMs };
      }
    }
  }
}

/** How long what failed last is left alone yet: on record, so that neither a restart nor a change of something else hurries it. */
function restMs(status: MachineStatus, { clock }: AdvanceOptions): number {
  const { run } = status;
  const name = run === undefined ? 'Drain' : nextStep(status, run);
  const step = name === undefined ? undefined : stepOf(status, name);
  if (step?.state !== 'Failed' || step.finishedAt === undefined) return 0;
  const delayMs = run === undefined ? DRAIN_AGAIN_MS : backoffMs(step.attempt - 1, RETRIES, 0);
  return Math.max(0, Date.parse(step.finishedAt) + delayMs - clock.now());
}

type Outcome = { readonly againMs: number; readonly rolledBack?: string } | undefined;

async function takeStep(
  before: MachineStatus,
  run: MachineRun,
  step: StepName,
  keep: (status: MachineStatus) => Promise<void>,
  options: AdvanceOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock } = options;
  const now = (): string => timestamp(clock.now());
  let status = stepStarted(before, step, now());
  if (JSON.stringify(status) !== JSON.stringify(before)) await keep(status);
  // Tasks are told as they go, one save after the other.
  let saving = Promise.resolve();
  const change = (next: (status: MachineStatus) => MachineStatus): void => {
    status = next(status);
    const saved = status;
    saving = saving.then(() => keep(saved));
    saving.catch(() => undefined);
  };
  try {
    const result = await doStep(status, run, step, options, change, signal);
    await saving;
    if ('pending' in result) {
      const waiting = stepWaits(status, step, result.pending);
      if (waiting !== status) await keep(waiting);
      return { againMs: SOON_MS };
    }
    await keep(stepDone(result.change(status), step, now(), result.message));
    return undefined;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    await saving;
    return failStep(status, run, step, error, keep, options);
  }
}

async function failStep(
  status: MachineStatus,
  run: MachineRun,
  step: StepName,
  error: unknown,
  keep: (status: MachineStatus) => Promise<void>,
  { clock, tell }: AdvanceOptions,
): Promise<Outcome> {
  const message = error instanceof Error ? error.message : String(error);
  const failed = stepFailed(status, step, timestamp(clock.now()), message);
  if (error instanceof GoalChangedError) {
    // Both come before the drain: nothing is to be undone, and the next run is for what there is now.
    await keep(dropRun(failed));
    return { againMs: SOON_MS };
  }
  const isForward = run.direction === 'Forward';
  const isForGood = error instanceof StepError || !(error instanceof HostUnreachableError);
  if (isForward && isForGood && isPastSwitch(status) && isRisky(step)) {
    await keep(turnBack(quarantine(failed, run.goalHash)));
    return { againMs: SOON_MS, rolledBack: `${step} failed: ${message}` };
  }
  // The node is cordoned for a drain that did not succeed: it goes back to work before it is tried again.
  if (isForward && step === 'Drain') {
    await keep(turnBack(failed));
    tell('Warning', 'DrainFailed', message);
    return undefined;
  }
  await keep(failed);
  const { attempt = 1 } = stepOf(failed, step) ?? {};
  // What is tried again is told once; how often it was tried is in the status.
  if (attempt === 1) tell('Warning', 'StepFailed', `${step}: ${message}`);
  return { againMs: backoffMs(attempt - 1, RETRIES, 0) };
}

/** What comes after the new slot was proven does not condemn it. */
function isRisky(step: StepName): boolean {
  return step === 'Switch' || step === 'Start' || step === 'Verify';
}

type StepResult =
  | { readonly pending: string }
  | { readonly change: (status: MachineStatus) => MachineStatus; readonly message?: string };

const same = (status: MachineStatus): MachineStatus => status;

async function doStep(
  status: MachineStatus,
  run: MachineRun,
  step: StepName,
  { work, version, verifyTimeoutMs, clock }: AdvanceOptions,
  change: (next: (status: MachineStatus) => MachineStatus) => void,
  signal: AbortSignal,
): Promise<StepResult> {
  const { slot } = run;
  switch (step) {
    case 'Resolve': {
      const found = await work.resolve(signal);
      return { change: (each) => resolved(each, run, found, version) };
    }
    case 'Infra':
      return { change: same, message: await work.ensureInfrastructure(signal) };
    case 'Preflight': {
      const report = await work.preflight(slot, signal);
      change((each) => ({ ...each, preflight: report }));
      if (report.status === 'ok') return { change: same, message: report.summary };
      const words = report.checks
        .filter(({ severity }) => severity === 'error')
        .map(
          ({ name, target, message }) =>
            `${name}${target === '' ? '' : ` (${target})`}: ${message}`,
        );
      throw new Error(`${report.summary}: ${words.join('; ')}`);
    }
    case 'Stage': {
      const staged = await work.stage(slot, run.goalHash ?? '', signal);
      return 'pending' in staged ? staged : { change: (each) => ({ ...each, staged }) };
    }
    case 'RootFS':
      await work.buildRoot(
        slot,
        run.goalHash ?? '',
        (task) => change((each) => taskReported(each, step, task)),
        signal,
      );
      return {
        change: (each) => (version === undefined ? each : { ...each, installedVersion: version }),
      };
    case 'Drain': {
      const drained = await work.drain(startOf(status, step), signal);
      return drained === 'done' ? { change: same } : drained;
    }
    case 'Switch':
      if (status.activeSlot !== undefined && status.activeSlot !== slot)
        await work.stop(status.activeSlot, signal);
      await work.activate(slot, signal);
      return { change: (each) => ({ ...each, activeSlot: slot }) };
    case 'Start':
      await work.start(slot, signal);
      return { change: same };
    case 'Verify':
      return verify(status, run, { work, verifyTimeoutMs, clock }, signal);
    case 'Rollback':
      return rollBack(status, run, work, signal);
    case 'Uncordon':
      await work.uncordon(signal);
      return { change: same };
    case 'Clean':
      await work.clean(failedSlot(status, run), signal);
      return { change: same };
  }
}

async function verify(
  status: MachineStatus,
  run: MachineRun,
  { work, verifyTimeoutMs, clock }: Pick<AdvanceOptions, 'work' | 'verifyTimeoutMs' | 'clock'>,
  signal: AbortSignal,
): Promise<StepResult> {
  // Only what was seen since the start counts: what is known of the slot before says nothing of this one.
  const since = { beganAt: startOf(status, 'Start'), endedAt: startOf(status, 'Verify') };
  const verified = await work.verify(run.slot, since, signal);
  if (verified === 'done') return { change: (each) => proven(each, run) };
  // A start that nobody recorded was long ago.
  const waitedMs = clock.now() - startOf(status, 'Verify');
  if (waitedMs <= verifyTimeoutMs) return verified;
  throw new StepError(
    'VerifyTimeout',
    `not good within ${Math.round(verifyTimeoutMs / 1000)} s: ${verified.pending}`,
  );
}

async function rollBack(
  status: MachineStatus,
  run: MachineRun,
  work: MachineWork,
  signal: AbortSignal,
): Promise<StepResult> {
  await work.stop(run.slot, signal);
  const { lastGood } = status;
  // Nothing to go back to: the first install failed.
  if (lastGood === undefined)
    return { change: (each) => without(each, 'activeSlot'), message: 'there is no good slot yet' };
  await work.activate(lastGood.slot, signal);
  await work.start(lastGood.slot, signal);
  return {
    change: (each) => ({
      ...each,
      activeSlot: lastGood.slot,
      ...(lastGood.version === undefined ? {} : { runningVersion: lastGood.version }),
    }),
    message: `slot ${lastGood.slot} runs again`,
  };
}

function resolved(
  status: MachineStatus,
  run: MachineRun,
  { goalHash, contentHash = '', facts }: Resolved,
  version: string | undefined,
): MachineStatus {
  const next: MachineStatus = {
    ...status,
    goalHash,
    facts,
    run: {
      ...run,
      goalHash,
      ...(contentHash === '' ? {} : { contentHash }),
      ...(version === undefined ? {} : { version }),
    },
  };
  const { lastGood, activeSlot, quarantined = [] } = status;
  const isThere =
    run.isRebuild !== true && lastGood?.goalHash === goalHash && lastGood.slot === activeSlot;
  // The root that runs is the one that is wanted, or a condemned one that nobody wants to see again.
  if (!isThere && !quarantined.includes(goalHash)) return next;
  const rest = (status.steps ?? []).map((step) =>
    step.name === 'Resolve' ? step : { ...step, state: 'Done' as const },
  );
  return { ...next, steps: rest };
}

function proven(status: MachineStatus, run: MachineRun): MachineStatus {
  const { goalHash = '', version, slot } = run;
  const before = status.lastGood;
  const good = { slot, goalHash, ...(version === undefined ? {} : { version }) };
  return {
    ...status,
    lastGood: good,
    ...(before === undefined || before.slot === slot ? {} : { previous: before }),
    ...(version === undefined ? {} : { runningVersion: version, installedVersion: version }),
  };
}

function endRun(status: MachineStatus): MachineStatus {
  const { run, ...rest } = status;
  if (run === undefined) return status;
  const isTried =
    run.direction === 'Forward' || (status.quarantined ?? []).includes(run.goalHash ?? '');
  // A run that turned back without a verdict (a drain that failed, a pause) is begun again.
  if (!isTried) return rest;
  const { specHash, contentHash, isReturn } = run;
  // What was brought back was not resolved anew.
  if (isReturn === true) return { ...rest, specHash };
  const done = { ...without(rest, 'contentHash'), specHash };
  return contentHash === undefined ? done : { ...done, contentHash };
}

/** Of a run that turned back: the slot that it built, unless that is one worth keeping. */
function failedSlot(
  { lastGood, previous }: MachineStatus,
  { slot, direction }: MachineRun,
): MachineRun['slot'] | undefined {
  if (direction === 'Forward' || lastGood?.slot === slot || previous?.slot === slot)
    return undefined;
  return slot;
}

function startOf(status: MachineStatus, step: StepName): number {
  return Date.parse(stepOf(status, step)?.startedAt ?? '1970-01-01T00:00:00Z');
}
