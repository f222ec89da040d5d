// What a machine's controller does next. Pure: everything it needs to know is in the object.
import { isPastSwitch, nextStep, stateOf } from './run-state.ts';
import type { MachineStatus, StepName } from './types.ts';

export interface MachineInput {
  readonly status: MachineStatus;
  /** Of the part of the spec that a run is for. */
  readonly specHash: string;
  /** Of what its Artifacts and local files hold now; undefined: nobody looked, or nobody can say. */
  readonly contentHash?: string | undefined;
  readonly isPaused: boolean;
  readonly isDeleting: boolean;
  /** Whether its Cluster, if it has one, lets it be disrupted now. */
  readonly isPermitted: boolean;
}

export type MachineDecision =
  /** Nothing is to be done but to look for drift now and then. */
  | { readonly next: 'rest' }
  | { readonly next: 'begin' }
  | { readonly next: 'step'; readonly step: StepName }
  /** Everything of the run is done. */
  | { readonly next: 'end' }
  /** The run is not wanted any more, and nothing of it must be undone. */
  | { readonly next: 'drop' }
  /** The run is not wanted any more, and the node is cordoned for it. */
  | { readonly next: 'back' }
  | { readonly next: 'hold'; readonly reason: 'WaitingForBudget' | 'Paused' };

export function planMachine(input: MachineInput): MachineDecision {
  const { status, specHash, isPaused, isDeleting, isPermitted } = input;
  const { run } = status;
  if (run === undefined) {
    if (isDeleting) return { next: 'rest' };
    const { contentHash = status.contentHash ?? '' } = input;
    if (status.specHash === specHash && contentHash === (status.contentHash ?? ''))
      return { next: 'rest' };
    return isPaused ? { next: 'hold', reason: 'Paused' } : { next: 'begin' };
  }
  const step = nextStep(status, run);
  if (step === undefined) return { next: 'end' };
  if (run.direction === 'Back') return { next: 'step', step };
  // Once the old slot may be down, the only ways are to the end or back by a rollback.
  if (!isPastSwitch(status)) {
    const isDrained = stateOf(status, 'Drain') !== 'Pending';
    const isUnwanted = isDeleting || run.specHash !== specHash;
    if (isDrained && (isUnwanted || isPaused)) return { next: 'back' };
    if (isUnwanted) return { next: 'drop' };
    if (isPaused) return { next: 'hold', reason: 'Paused' };
    if (step === 'Drain' && !isPermitted) return { next: 'hold', reason: 'WaitingForBudget' };
  }
  return { next: 'step', step };
}
