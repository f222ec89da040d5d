// What the planner is given and what it gives back: plain data on both sides, printable and comparable.
import type { NodeFacts } from '../machinery/node-fit.ts';
import type { Room } from '../machinery/pod-requests.ts';
import type { ClaimFacts } from './claims.ts';
import type { ImageDigests } from './image-digests.ts';
import type { HookFacts } from './hook-facts.ts';
import type { Instance } from './instance.ts';
import type { ReplaceOrder } from './order.ts';
import type { RejectedNode } from './placement.ts';
import type { Settings } from './settings.ts';
import type { HookName, OperationState, PodTemplate, RevisionData } from './types.ts';
import type { VolumeDemand, VolumeToCreate } from './volume-placement.ts';

export type HookResult = 'Succeeded' | 'Failed';

export interface RevisionFacts {
  readonly hash: string;
  readonly data: RevisionData;
  /** Which bytes its images stand for, where that is known. */
  readonly digests: ImageDigests;
  /** What Pods are made of: `data` with volumes and files in it, and its images pinned. */
  readonly template: PodTemplate;
  /** Since when the spec describes it, in milliseconds since the epoch. */
  readonly activatedAt: number;
  /** Why its rollout failed, once that was written down. */
  readonly failure: string | undefined;
  readonly hookResults: { readonly [name in HookName]: HookResult | undefined };
  /** With BlueGreen: since when traffic goes to it. */
  readonly switchedAt: number | undefined;
}

export interface PlanInput {
  readonly service: string;
  readonly settings: Settings;
  /** What the spec describes. */
  readonly target: RevisionFacts;
  /** What was rolled out completely before; absent at the first rollout. */
  readonly current: RevisionFacts | undefined;
  /** All known revisions by hash, to say what a replace changes. */
  readonly revisions: ReadonlyMap<string, RevisionFacts>;
  readonly instances: readonly Instance[];
  /** Hook Pods of the service. */
  readonly hooks: readonly HookFacts[];
  readonly nodes: readonly NodeFacts[];
  /** Named volumes of the namespace. */
  readonly claims: readonly ClaimFacts[];
  /** What the other services of the namespace want of named volumes. */
  readonly volumePeers: readonly VolumeDemand[];
  /** With BlueGreen: the revision that traffic goes to. */
  readonly activeRevision: string | undefined;
  /** What `windlass promote` and `windlass abort` left on the service. */
  readonly promoted: string | undefined;
  readonly aborted: string | undefined;
  /** Names of services that it depends on and that are not ready. */
  readonly waitsFor: readonly string[];
  /** The way through those that are not ready back to this service, which begins and ends it; absent or empty: there is none. */
  readonly waitCircle?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Since when this controller has been looking: no deadline passes because nobody was there to see instances become ready. */
  readonly watchingSince: number;
  /** All that the rollout will do, before limits on how much of it is under way at once: for previews. */
  readonly whole?: boolean;
  /** Nothing of the target may begin yet. */
  readonly gated?: boolean;
  /**
   * What is left on a node, made anew for each plan, which takes from it what it adds; without it, room is not looked at.
   */
  readonly room?: (node: string) => Room | undefined;
  /** Instances that are planned elsewhere, and take ports and room all the same. */
  readonly neighbours?: readonly Instance[];
  /** Whether a failure has something to go back to, where `current` does not say so. */
  readonly hasFallback?: boolean;
}

interface OperationBase {
  /** '' while no node is eligible. */
  readonly node: string;
  readonly state: OperationState;
  /** Why it is done; for one that waits also what for. */
  readonly reasons: readonly string[];
}

/** Makes a named volume. */
export interface CreateVolumeOperation extends OperationBase {
  readonly op: 'createVolume';
  readonly create: VolumeToCreate;
  readonly step: 'create';
}

/** Stops a hook of an earlier rollout that is still running. */
export interface StopPreDeployOperation extends OperationBase {
  readonly op: 'stopPreDeploy';
  readonly pod: string;
  readonly uid: string;
  readonly step: 'delete' | 'wait';
}

/** Runs a hook to its end. */
export interface RunHookOperation extends OperationBase {
  readonly op: 'runPreDeploy' | 'runPostDeploy';
  readonly hook: HookName;
  readonly revision: string;
  /** When that revision became the target: tells this run from those of earlier rollouts of it. */
  readonly activatedAt: number;
  /** Its Pod, once that exists. */
  readonly pod?: string;
  /** Finished Pods of earlier runs, which go. */
  readonly removes: readonly { readonly pod: string; readonly uid: string }[];
  /** `record` that it succeeded. */
  readonly step: 'create' | 'wait' | 'record';
}

/** Makes an instance where none is. */
export interface RunOperation extends OperationBase {
  readonly op: 'run';
  readonly revision: string;
  readonly step: 'create' | 'wait';
  /** The instance that it made, once that exists. */
  readonly pod?: string;
}

/** Changes the resources of an instance that goes on running. */
export interface UpdateOperation extends OperationBase {
  readonly op: 'update';
  readonly revision: string;
  readonly pod: string;
  readonly uid: string;
  /** `resize` it, then `adopt` it into the new revision. */
  readonly step: 'resize' | 'adopt' | 'wait';
}

/** Puts an instance of another revision in the place of one, or of the same revision on another node. */
export interface ReplaceOperation extends OperationBase {
  readonly op: 'replace';
  readonly order: ReplaceOrder;
  readonly revision: string;
  readonly pod: string;
  readonly uid: string;
  /**
   * `create` the new one, `delete` the old one, or wait for what was begun. After a failure that is tolerated: `decline` lets the
   * old one stay, `restore` makes it anew.
   */
  readonly step: 'create' | 'delete' | 'wait' | 'decline' | 'restore';
  /** Of `decline`: the instance that stays. */
  readonly stays?: string;
}

/** Stops what stands in the way of another operation; its removal follows. */
export interface StopOperation extends OperationBase {
  readonly op: 'stop';
  readonly pod: string;
  readonly uid: string;
  readonly step: 'delete' | 'wait';
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

/** Leads traffic to another revision. */
export interface SwitchOperation extends OperationBase {
  readonly op: 'switch';
  readonly revision: string;
  readonly step: 'switch' | 'wait';
}

/** Goes on to the next step of a canary rollout. */
export interface PromoteOperation extends OperationBase {
  readonly op: 'promote';
  /** From this step, counted from 1. */
  readonly number: number;
  readonly step: 'wait';
}

export type Operation =
  | CreateVolumeOperation
  | StopPreDeployOperation
  | RunHookOperation
  | RunOperation
  | UpdateOperation
  | ReplaceOperation
  | StopOperation
  | RemoveOperation
  | SwitchOperation
  | PromoteOperation;

export interface Failure {
  readonly message: string;
  /** True when the evidence will go away: the failure must be written to the revision before anything else is done. */
  readonly mark: boolean;
  /** Whose log tells more. */
  readonly pod: string | undefined;
}

export interface Plan {
  readonly operations: readonly Operation[];
  readonly failure: Failure | undefined;
  /** Every instance is of the target revision and available, and nothing else is left but what is kept for a while. */
  readonly complete: boolean;
  readonly desired: number;
  readonly ready: number;
  readonly updated: number;
  readonly available: number;
  /** Instances that keep the earlier revision because the new one failed in their place, and that was tolerated. */
  readonly declined: number;
  readonly rejected: readonly RejectedNode[];
  /** Why no node will do; '' when one does. */
  readonly placementProblem: string;
  /** What is wrong with instances that should serve, one sentence each. */
  readonly troubles: readonly string[];
  readonly activeRevision: string | undefined;
  /** With Canary: steps that are done. */
  readonly step: number | undefined;
  readonly awaitsPromotion: boolean;
  /** Look again after so many milliseconds even if nothing changes. */
  readonly wakeInMs: number | undefined;
}
