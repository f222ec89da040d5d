// Does the rollout get anywhere? The first reason why not, and which dead instances stay as evidence of it. Pure.
import { decideOrder } from './order.ts';
import type { Instance } from './instance.ts';
import { explainRejections } from './placement.ts';
import type { Placement } from './placement.ts';
import type { PlanContext } from './plan-context.ts';
import type { Failure } from './plan-types.ts';

/** An instance that ended at once is not made again sooner than this after its creation. */
const REPAIR_PACE_MS = 10_000;

/** The first reason why an unproven rollout is not getting anywhere. */
export function findFailure(
  context: PlanContext,
  alive: readonly Instance[],
  dead: readonly Instance[],
  placement: Placement,
): Failure | undefined {
  const { settings, target, current, now, watchingSince } = context.input;
  if (!context.unproven || settings.paused) return undefined;
  if (context.undone) return undefined;
  const mark =
    current !== undefined &&
    (settings.failureAction === 'Rollback' ||
      decideOrder(settings, current.template, target.template).order === 'stop-first');
  const ended =
    current === undefined
      ? undefined
      : dead.find((instance) => instance.ended && context.isUpdated(instance));
  if (ended !== undefined) return { message: `${ended.name}: ${ended.trouble}`, mark };
  for (const instance of alive.filter((candidate) => context.isUpdated(candidate))) {
    if (context.isAvailable(instance)) continue;
    const deadline = Math.max(instance.createdAt, watchingSince) + settings.progressDeadlineMs;
    if (now >= deadline) {
      const trouble = instance.trouble === '' ? 'it never became ready' : instance.trouble;
      return { message: `${instance.name}: ${trouble}`, mark };
    }
    context.wakeAt(deadline);
  }
  if (placement.eligible.length === 0 && settings.mode === 'Replicated' && settings.replicas > 0) {
    const deadline = Math.max(target.activatedAt, watchingSince) + settings.progressDeadlineMs;
    if (now >= deadline) return { message: explainRejections(placement), mark: false };
    context.wakeAt(deadline);
  }
  return undefined;
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
  context.wakeAt(until);
  return true;
}
