// The permit of a Cluster for one of its machines to be taken out of service: what it must say, and when it is used up. Both sides read
// the rule here: the Cluster that gives it, and whoever works on the machine.
import { specHash } from './machine-goal.ts';
import type { SpecOfRun } from './machine-goal.ts';

/** On a Machine: what may disrupt it now; see `rolloutPermit`. */
export const PERMIT_ANNOTATION = 'windlass.dev/rollout-permit';
/** On a Machine: what the cluster last asked it to be, to tell a change of the cluster's from a field the server filled in. */
export const TARGET_ANNOTATION = 'windlass.dev/cluster-target';
/** On a Machine without a root of ours: the distribution of its Cluster drives it, and we leave it alone. */
export const DISTRIBUTION_LABEL = 'windlass.dev/distribution';

export interface PermitHolder {
  readonly metadata: {
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: SpecOfRun;
  readonly status?:
    | {
        readonly goalHash?: string;
        readonly specHash?: string;
        readonly contentHash?: string;
        readonly run?: { readonly contentHash?: string };
      }
    | undefined;
}

export interface RolloutPermit {
  /** What the permit has to say for the machine to be disrupted now. */
  readonly key: string;
  readonly given: string | undefined;
  /** Whether the machine is what it was last asked to be, so that only what that names can be new. */
  readonly isReached: boolean;
  readonly isGiven: boolean;
  /** It was for becoming what the machine has become: it disrupts nobody any more. */
  readonly isSpent: boolean;
}

/** Whether the distribution itself drives it, instead of the Machine controller. */
export function isDistributionDriven({ metadata, spec }: PermitHolder): boolean {
  return metadata.labels?.[DISTRIBUTION_LABEL] !== undefined && spec.rootfs === undefined;
}

/**
 * A permit is for reaching one goal: the target of its Cluster, or the generation of its spec where it has a root of ours. It ends with
 * the goal reached. What Artifacts and files hold may change later while the goal stays: that takes a permit with their hash, because
 * one to join, which costs no budget, would let any number of new machines go down at once.
 */
export function rolloutPermit(machine: PermitHolder): RolloutPermit {
  const { metadata, spec, status = {} } = machine;
  const { annotations = {}, generation = 1 } = metadata;
  const isDriven = isDistributionDriven(machine);
  const target = annotations[TARGET_ANNOTATION] ?? '';
  const goal = isDriven ? target : String(generation);
  const isReached = isDriven ? status.goalHash === target : status.specHash === specHash(spec);
  const key = isReached ? `${goal}+${status.run?.contentHash ?? status.contentHash ?? ''}` : goal;
  const given = annotations[PERMIT_ANNOTATION];
  return { key, given, isReached, isGiven: given === key, isSpent: isReached && given === goal };
}
