// What the planner is given and what it gives back: plain data on both sides, printable and comparable.
import type { NodeFacts } from '../machinery/node-fit.ts';
import type { Instance } from './instance.ts';
import type { ReplaceOrder } from './order.ts';
import type { RejectedNode } from './placement.ts';
import type { Settings } from './settings.ts';
import type { OperationState, PodTemplate } from './types.ts';

export interface RevisionFacts {
  readonly hash: string;
  readonly template: PodTemplate;
  /** Since when the spec describes it, in milliseconds since the epoch. */
  readonly activatedAt: number;
  /** Why its rollout failed, once that was written down. */
  readonly failure: string | undefined;
}

export interface PlanInput {
  readonly settings: Settings;
  /** What the spec describes. */
  readonly target: RevisionFacts;
  /** What was rolled out completely before; absent at the first rollout. */
  readonly current: RevisionFacts | undefined;
  /** Templates of all known revisions by hash, to say what a replace changes. */
  readonly templates: ReadonlyMap<string, PodTemplate>;
  readonly instances: readonly Instance[];
  readonly nodes: readonly NodeFacts[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Since when this controller has been looking: no deadline passes because nobody was there to see instances become ready. */
  readonly watchingSince: number;
}

interface OperationBase {
  /** '' while no node is eligible. */
  readonly node: string;
  readonly state: OperationState;
  /** Why it is done; for one that waits also what for. */
  readonly reasons: readonly string[];
}

/** Makes an instance where none is. */
export interface RunOperation extends OperationBase {
  readonly op: 'run';
  readonly revision: string;
  readonly step: 'create' | 'wait';
  /** The instance that it made, once that exists. */
  readonly pod?: string;
}

/** Puts an instance of another revision in the place of one. */
export interface ReplaceOperation extends OperationBase {
  readonly op: 'replace';
  readonly order: ReplaceOrder;
  readonly revision: string;
  readonly pod: string;
  readonly uid: string;
  /** `create` the new one, `delete` the old one, or wait for what was begun. */
  readonly step: 'create' | 'delete' | 'wait';
}

/** Takes an instance away. */
export interface RemoveOperation extends OperationBase {
  readonly op: 'remove';
  /** Its node is gone, so that nobody will report its end: only the object is left to delete. */
  readonly force: boolean;
  readonly pod: string;
  readonly uid: string;
  readonly step: 'delete' | 'wait';
}

export type Operation = RunOperation | ReplaceOperation | RemoveOperation;

export interface Failure {
  readonly message: string;
  /** True when the evidence will go away: the failure must be written to the revision before anything else is done. */
  readonly mark: boolean;
}

export interface Plan {
  readonly operations: readonly Operation[];
  readonly failure: Failure | undefined;
  /** Every instance is of the target revision and available, and nothing else is left. */
  readonly complete: boolean;
  readonly desired: number;
  readonly ready: number;
  readonly updated: number;
  readonly available: number;
  readonly rejected: readonly RejectedNode[];
  /** What is wrong with instances that should serve, one sentence each. */
  readonly troubles: readonly string[];
  /** Look again after so many milliseconds even if nothing changes. */
  readonly wakeInMs: number | undefined;
}
