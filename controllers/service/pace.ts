// How much of a rollout may be under way: what tells the strategies apart that replace instances one after the other. Pure.
import type { Operation, RevisionFacts } from './plan-types.ts';
import type { Workbench } from './workbench.ts';

export interface Pace {
  /** Replaces that may be under way at the same time. */
  readonly parallel: number;
  /** Instances of the new revision that there may be for now. */
  readonly ceiling: number;
  /** What tells of it in the plan. */
  readonly operations: readonly Operation[];
  readonly step: number | undefined;
  readonly awaitsPromotion: boolean;
}

export type PaceSetter = (bench: Workbench) => Pace;

/** As many at a time as the strategy says, until all are done. */
export const steadyPace: PaceSetter = ({ context }) => {
  const { settings, whole } = context.input;
  const isUnlimited = whole === true || settings.type === 'Recreate';
  return {
    parallel: isUnlimited ? Number.POSITIVE_INFINITY : settings.maxParallel,
    ceiling: Number.POSITIVE_INFINITY,
    operations: [],
    step: undefined,
    awaitsPromotion: false,
  };
};

/** Instances that are of the target revision or about to be, the ones that failed not counted. */
export function updatedCount({ context, slots }: Workbench): number {
  return slots.held.filter(
    ({ instance, successor }) =>
      context.isUpdated(instance) || (successor !== undefined && context.isUpdated(successor)),
  ).length;
}

/** Of new instances: the target's as long as there may be more of them, then the one before. */
export function revisionsForNew(bench: Workbench, { ceiling }: Pace): readonly RevisionFacts[] {
  const { goal } = bench.context;
  const { current, target } = bench.context.input;
  if (goal === undefined) return [];
  const all = bench.slots.vacancies.length;
  if (goal.hash !== target.hash || current === undefined || ceiling === Number.POSITIVE_INFINITY)
    return Array.from({ length: all }, () => goal);
  const room = Math.max(0, ceiling - updatedCount(bench));
  return Array.from({ length: all }, (_, index) => (index < room ? goal : current));
}
