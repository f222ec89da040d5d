// The questions that every part of a plan asks: which revision do new instances get, which instances may stay, which count as
// available. Pure; made once per plan.
import type { Instance } from './instance.ts';
import type { Judge } from './judge.ts';
import type { PlanInput, RevisionFacts } from './plan-types.ts';

export interface PlanContext {
  readonly input: PlanInput;
  readonly judge: Judge;
  /** The target differs from what was rolled out completely. */
  readonly unproven: boolean;
  /** The target's rollout failed and is being, or was, undone. */
  readonly undone: boolean;
  /** The revision of new instances; `undefined` while held back before the first rollout. */
  readonly goal: RevisionFacts | undefined;
  isUpdated(instance: Instance): boolean;
  /** May stay as it is, where it is. */
  isAcceptable(instance: Instance): boolean;
  isAvailable(instance: Instance): boolean;
  /** Runs on a node that the spec does not name any more. */
  isDisplaced(instance: Instance): boolean;
}

/**
 * @param failing uids of instances that failed, where that is tolerated
 * @param staying uids of instances that they were to replace
 */
export function planContext(
  input: PlanInput,
  judge: Judge,
  failing: ReadonlySet<string> = new Set(),
  staying: ReadonlySet<string> = new Set(),
): PlanContext {
  const { settings, target, current } = input;
  const unproven = current?.hash !== target.hash;
  const undone = unproven && current !== undefined && isGivenUp(input);
  const held = (settings.paused || input.gated === true) && unproven && !undone;
  const goal = undone || held ? current : target;
  // After a failure with Pause or Continue, what serves keeps serving, whatever its revision.
  const sparesAvailable = settings.failureAction !== 'Rollback' && input.aborted !== target.hash;
  const placement = new Set(settings.placementNodes);

  const isDisplaced = ({ node }: Instance): boolean =>
    settings.mode === 'Replicated' && placement.size > 0 && node !== '' && !placement.has(node);
  const isAcceptable = (instance: Instance): boolean => {
    if (held) return true;
    if (isDisplaced(instance)) return false;
    if (!undone) {
      if (instance.declined === target.hash || staying.has(instance.uid)) return true;
      return judge.matches(instance, target) && !failing.has(instance.uid);
    }
    if (judge.matches(instance, current)) return true;
    return sparesAvailable && judge.isAvailable(instance);
  };
  return {
    input,
    judge,
    unproven,
    undone,
    goal,
    isUpdated: (instance) => judge.matches(instance, target),
    isAcceptable,
    isAvailable: (instance) => judge.isAvailable(instance),
    isDisplaced,
  };
}

/** By a failure that was written down, or by `windlass abort`. */
export function isGivenUp({ target, aborted }: PlanInput): boolean {
  return target.failure !== undefined || aborted === target.hash;
}
