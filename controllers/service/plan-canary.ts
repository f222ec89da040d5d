// Canary: the new revision first in the place of a few, then of more, with a look at it after each step. Which step a rollout is in
// follows from how many instances it has reached, so nothing need be remembered. Pure.
import { watchedUntil } from './judge.ts';
import type { Pace, PaceSetter } from './pace.ts';
import { updatedCount } from './pace.ts';
import type { CanarySetting } from './settings.ts';
import type { Operation } from './plan-types.ts';
import type { Workbench } from './workbench.ts';

export const canaryPace: PaceSetter = (bench) => {
  const { context, slots } = bench;
  const { settings, current, target, whole, now } = context.input;
  const all: Pace = {
    parallel: whole === true ? Number.POSITIVE_INFINITY : settings.maxParallel,
    ceiling: Number.POSITIVE_INFINITY,
    operations: [],
    step: undefined,
    awaitsPromotion: false,
  };
  const isCanary = context.unproven && !context.undone && current !== undefined;
  if (!isCanary || context.goal?.hash !== target.hash) return all;
  const steps = settings.canarySteps.map((step) => countOf(step, slots.desired));
  // A step that asks for all of them is the end of the rollout, not a stop on the way.
  const stops = steps.filter((count) => count < slots.desired);
  const reached = updatedCount(bench);
  if (whole === true) {
    const ahead = stops.flatMap((count, index) =>
      count < reached ? [] : [promotion(bench, index, count, 'Pending')],
    );
    return { ...all, operations: ahead };
  }
  const promoted = promotedSteps(context.input.promoted, target.hash);
  for (const [index, count] of stops.entries()) {
    // More than that are there: somebody, or this planner, went on from here.
    if (reached > count || promoted > index) continue;
    const step = settings.canarySteps[index];
    const since = availableSince(bench, count);
    const until =
      step?.pauseMs === undefined || since === undefined ? undefined : since + step.pauseMs;
    if (until !== undefined && now >= until) continue;
    if (until !== undefined) context.judge.wakeAt(until);
    const awaitsPromotion = since !== undefined && step?.pauseMs === undefined;
    return {
      ...all,
      ceiling: count,
      operations: [promotion(bench, index, count, since === undefined ? 'Pending' : 'Waiting')],
      step: index,
      awaitsPromotion,
    };
  }
  return { ...all, step: stops.length };
};

/** Of a share the next whole number, and at least one. */
function countOf({ count }: CanarySetting, desired: number): number {
  if ('instances' in count) return Math.min(count.instances, desired);
  return Math.min(desired, Math.max(1, Math.ceil((count.percent * desired) / 100)));
}

/** `HASH/STEP` by `windlass promote`, `HASH` with --full. */
function promotedSteps(text: string | undefined, hash: string): number {
  if (text === hash) return Number.POSITIVE_INFINITY;
  const [promoted, step = ''] = text?.split('/') ?? [];
  return promoted === hash && /^\d{1,3}$/.test(step) ? Number(step) : 0;
}

/** Since when `count` new instances have been available; `undefined` while they are not. */
function availableSince({ context, slots }: Workbench, count: number): number | undefined {
  const { monitorMs } = context.input.settings;
  const times = slots.held.flatMap(({ instance, successor = instance }) =>
    context.isUpdated(successor) &&
    context.isAvailable(successor) &&
    successor.readySince !== undefined
      ? [watchedUntil(successor.readySince, successor.probed ? 0 : monitorMs)]
      : [],
  );
  return times.length < count ? undefined : Math.max(...times);
}

function promotion(
  { context, slots }: Workbench,
  index: number,
  count: number,
  state: 'Pending' | 'Waiting',
): Operation {
  const { canarySteps } = context.input.settings;
  const pause = canarySteps[index]?.pauseMs;
  const what = `step ${index + 1} of ${canarySteps.length}: ${count} of ${slots.desired} instances`;
  const then =
    pause === undefined
      ? 'then waits for windlass promote, or windlass abort'
      : `then goes on after ${pause / 1_000}s`;
  return {
    op: 'promote',
    node: '',
    number: index + 1,
    step: 'wait',
    state,
    reasons: [`${what}, ${then}`],
  };
}
