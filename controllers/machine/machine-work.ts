// What the steps of a machine do to the world, as a port: over a host for real, over a table in tests.
import type { Slot } from '../rootfs/goal-state.ts';
import type { PreflightReport } from '../rootfs/preflight.ts';
import type { TaskReport } from '../rootfs/task.ts';
import type { MachineStatus, StagedArtifact } from './types.ts';

export interface Resolved {
  readonly goalHash: string;
  /** Of what Artifacts and local files hold; empty: it needs none. */
  readonly contentHash?: string;
  readonly facts: NonNullable<MachineStatus['facts']>;
}

/** Not yet, and why; asked again soon. */
export interface Pending {
  readonly pending: string;
}

/** Every call finds what is done already, so that it may be made again after a crash. */
export interface MachineWork {
  /** What the machine is to become. Reads only. */
  resolve(signal: AbortSignal): Promise<Resolved>;
  /** The host is there, made where a provider makes hosts. */
  ensureInfrastructure(signal: AbortSignal): Promise<string>;
  /** Changes nothing. */
  preflight(slot: Slot, signal: AbortSignal): Promise<PreflightReport>;
  /** Puts artifacts where the slot will find them. @throws GoalChangedError */
  stage(
    slot: Slot,
    goalHash: string,
    signal: AbortSignal,
  ): Promise<readonly StagedArtifact[] | Pending>;
  /** Builds the root of a slot that does not run. @throws GoalChangedError */
  buildRoot(
    slot: Slot,
    goalHash: string,
    report: (task: TaskReport) => void,
    signal: AbortSignal,
  ): Promise<void>;
  drain(startedAt: number, signal: AbortSignal): Promise<'done' | Pending>;
  uncordon(signal: AbortSignal): Promise<void>;
  /** Stops a slot, if it runs. */
  stop(slot: Slot, signal: AbortSignal): Promise<void>;
  /** Makes artifacts of a slot the ones in use. */
  activate(slot: Slot, signal: AbortSignal): Promise<void>;
  start(slot: Slot, signal: AbortSignal): Promise<void>;
  /**
   * Whether the slot runs and does what it is for, since it was started. @throws when it will not any more
   *
   * @param since when its start began, and when that was over: a start may take longer than what it starts lives
   */
  verify(slot: Slot, since: SlotStart, signal: AbortSignal): Promise<'done' | Pending>;
  /** Removes what runs leave behind, and the root of `failed` when that never was good. */
  clean(failed: Slot | undefined, signal: AbortSignal): Promise<void>;
}

/** Milliseconds since the epoch; whole seconds, as a status has them. */
export interface SlotStart {
  readonly beganAt: number;
  readonly endedAt: number;
}

/** A step that failed for good: trying the same again will not help. */
export class StepError extends Error {
  override readonly name = 'StepError';
  /** One word in CamelCase. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What the machine is made of became something else since its goal was resolved: nothing of it is put together with what was before. */
export class GoalChangedError extends Error {
  override readonly name = 'GoalChangedError';
}
