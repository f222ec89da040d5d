// Does the rollout get anywhere? Which instances of the target failed, whether that is more than is tolerated, and which dead instances
// stay as evidence. Pure.
import { decideOrder } from './order.ts';
import type { Instance } from './instance.ts';
import type { Judge } from './judge.ts';
import type { Placement } from './placement.ts';
import { isGivenUp } from './plan-context.ts';
import type { PlanContext } from './plan-context.ts';
import type { Failure, PlanInput } from './plan-types.ts';

/** An instance that ended at once is not made again sooner than this after its creation. */
const REPAIR_PACE_MS = 10_000;

export interface Failures {
  /** What ends the rollout. */
  readonly failure: Failure | undefined;
  /** uids of instances that failed, where that does not end it: each gives way to an instance of the revision before. */
  readonly tolerated: ReadonlySet<string>;
}

const NONE: Failures = { failure: undefined, tolerated: new Set() };

export function findFailures(
  input: PlanInput,
  judge: Judge,
  alive: readonly Instance[],
  dead: readonly Instance[],
  placement: Placement,
): Failures {
  const { settings, target, current, now, watchingSince } = input;
  const hasFallback = input.hasFallback ?? current !== undefined;
  if (current?.hash === target.hash || settings.paused) return NONE;
  if (current !== undefined && isGivenUp(input)) return NONE;
  const failed: { readonly instance: Instance; readonly message: string }[] = [];
  // At the first rollout an instance that ended is simply made again, as there is nothing to go back to.
  for (const instance of hasFallback ? dead : []) {
    if (instance.ended && judge.matches(instance, target))
      failed.push({ instance, message: `${instance.name}: ${instance.trouble}` });
  }
  for (const instance of alive) {
    if (!judge.matches(instance, target)) continue;
    const message = judge.failureOf(instance);
    if (message !== undefined) failed.push({ instance, message });
  }
  const [first] = failed;
  if (first !== undefined) {
    const declined = alive.filter((instance) => instance.declined === target.hash).length;
    if (hasFallback && failed.length + declined <= toleranceOf(input, placement)) {
      return {
        failure: undefined,
        tolerated: new Set(failed.map(({ instance }) => instance.uid)),
      };
    }
    const { message, instance } = first;
    return {
      failure: { message, mark: hasFallback && losesEvidence(input), pod: instance.name },
      tolerated: NONE.tolerated,
    };
  }
  if (placement.eligible.length === 0 && settings.mode === 'Replicated' && settings.replicas > 0) {
    const deadline = Math.max(target.activatedAt, watchingSince) + settings.progressDeadlineMs;
    if (now >= deadline)
      return { ...NONE, failure: { message: placement.problem, mark: false, pod: undefined } };
    judge.wakeAt(deadline);
  }
  return NONE;
}

/** How many instances may fail without the rollout failing. */
function toleranceOf({ settings }: PlanInput, placement: Placement): number {
  if (settings.failureAction === 'Continue') return Number.POSITIVE_INFINITY;
  const all = settings.mode === 'Global' ? placement.eligible.length : settings.replicas;
  return Math.floor(settings.maxFailureRatio * all);
}

/** What a failure leads to takes the failed instance away. */
function losesEvidence({ settings, current, target, hasFallback }: PlanInput): boolean {
  if (settings.failureAction === 'Rollback' || hasFallback === true) return true;
  return decideOrder(settings, current?.template, target.template).order === 'stop-first';
}

/** Dead instances stay for a while: as evidence of a failed rollout, or so that repairs do not spin. */
export function mustRest(
  context: PlanContext,
  instance: Instance,
  failure: Failure | undefined,
): boolean {
  if (instance.orphaned) return false;
  if (failure !== undefined && context.isUpdated(instance)) return true;
  const until = instance.createdAt + REPAIR_PACE_MS;
  if (context.input.now >= until) return false;
  context.judge.wakeAt(until);
  return true;
}
