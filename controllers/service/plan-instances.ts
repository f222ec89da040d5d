// From what is wanted and what is there to the operations that lead from one to the other, for strategies that replace instances one
// after the other. Pure, and without memory: an operation half done is recognised by the Pods it left, so the same plan is found
// again after a crash at any point.
import type { Instance } from './instance.ts';
import { Judge } from './judge.ts';
import type { PaceSetter } from './pace.ts';
import { revisionsForNew } from './pace.ts';
import { placementOf } from './placement.ts';
import type { Placement } from './placement.ts';
import { planContext } from './plan-context.ts';
import type { PlanContext } from './plan-context.ts';
import { findFailures, mustRest } from './plan-failure.ts';
import { planReplaces } from './plan-replaces.ts';
import { doneOperations, planRuns, restingOperations } from './plan-runs.ts';
import type {
  Operation,
  Plan,
  PlanInput,
  RemoveOperation,
  ReplaceOperation,
  RevisionFacts,
  StopOperation,
} from './plan-types.ts';
import { planVolumes } from './plan-volumes.ts';
import { allotSlots, oldestFirst } from './slots.ts';
import type { Surplus } from './slots.ts';
import { Workbench } from './workbench.ts';

export function planInstances(input: PlanInput, setPace: PaceSetter): Plan {
  const judge = new Judge(input);
  const outline = planContext(input, judge);
  const { nodes, target, settings } = input;
  // Whatever order they were found in: the same world gives the same plan.
  const instances = input.instances.toSorted(oldestFirst);
  const goal = outline.goal ?? target;
  const volumes = planVolumes(
    input,
    goal,
    placementOf(goal.template, nodes, settings.placementNodes),
  );
  const { placement } = volumes;
  const { terminating, dead, stranded, alive } = sorted(instances, placement, input);
  const { failure, tolerated } = findFailures(input, judge, alive, dead, placement);
  const declines = declinesOf(alive, tolerated, target);
  const context =
    tolerated.size === 0
      ? outline
      : planContext(input, judge, tolerated, new Set(declines.map(({ stays }) => stays.uid)));
  const resting = dead.filter((instance) => mustRest(context, instance, failure));
  const slots = allotSlots(
    context,
    alive,
    resting.map(({ node }) => node),
    placement,
  );
  const bench = new Workbench({ context, placement, slots, alive, terminating, failure });
  const pace = setPace(bench);
  const goneFor = new Set(resting);
  const removals = [
    ...dead
      .filter((instance) => !goneFor.has(instance))
      .map((instance) => removal(instance, instance.trouble)),
    ...stranded.map((instance) =>
      removal(instance, `node ${instance.node} does not take it any more`),
    ),
    ...slots.surplus
      // Until it is written down who stays in its place, it is the only one that knows.
      .filter(({ instance }) => !declines.some(({ failed }) => failed === instance))
      .map(({ instance, reason }) => removal(instance, reason)),
  ];
  const stops = slots.surplus.filter(({ isInTheWay }) => isInTheWay).map(stop);
  const runs = planRuns(bench, revisionsForNew(bench, pace));
  const replaces = planReplaces(bench, runs, pace);
  const leaving = terminating
    .filter(({ reachable }) => reachable)
    .map((instance): Operation => ({ ...removal(instance, 'it is stopping'), step: 'wait' }));
  const open = [
    ...volumes.operations,
    ...stops,
    ...declines.map((one) => decline(one, context)),
    ...replaces,
    ...runs,
    ...removals,
    ...leaving,
    ...pace.operations,
  ];
  const declined = alive.filter((instance) => instance.declined === target.hash);
  return {
    operations: [...doneOperations(bench), ...open, ...restingOperations(bench, resting)],
    failure,
    complete:
      !context.undone &&
      open.length === 0 &&
      resting.length === 0 &&
      slots.held.length === slots.desired &&
      slots.held.every(
        ({ instance }) => context.isUpdated(instance) && context.isAvailable(instance),
      ),
    desired: slots.desired,
    ready: count(alive, ({ readySince }) => readySince !== undefined),
    updated: count(alive, (instance) => context.isUpdated(instance)),
    available: count(alive, (instance) => context.isAvailable(instance)),
    declined: context.undone ? 0 : declined.length,
    rejected: placement.rejected,
    placementProblem: placement.problem,
    troubles: troublesOf(context, [...alive, ...dead], declined),
    activeRevision: undefined,
    step: pace.step,
    awaitsPromotion: pace.awaitsPromotion,
    wakeInMs: judge.wakeInMs,
  };
}

/** An instance that failed, where that is tolerated, and the one that it was to replace. */
interface Decline {
  readonly failed: Instance;
  readonly stays: Instance;
}

function declinesOf(
  alive: readonly Instance[],
  tolerated: ReadonlySet<string>,
  target: RevisionFacts,
): readonly Decline[] {
  if (tolerated.size === 0) return [];
  const byUID = new Map(alive.map((instance) => [instance.uid, instance]));
  return alive.flatMap((failed) => {
    const stays = tolerated.has(failed.uid) ? byUID.get(failed.replaces ?? '') : undefined;
    return stays === undefined || stays.declined === target.hash ? [] : [{ failed, stays }];
  });
}

function decline({ failed, stays }: Decline, { input }: PlanContext): ReplaceOperation {
  return {
    op: 'replace',
    order: 'start-first',
    revision: stays.revision,
    pod: failed.name,
    uid: failed.uid,
    node: stays.node,
    step: 'decline',
    stays: stays.name,
    state: 'Failed',
    reasons: [
      `${failed.name} failed: ${failed.trouble || 'it never became ready'}`,
      `${stays.name} stays, as up to ${input.settings.failureAction === 'Continue' ? 'all' : `${input.settings.maxFailureRatio * 100} %`} may`,
    ],
  };
}

interface Sorted {
  readonly terminating: readonly Instance[];
  readonly dead: readonly Instance[];
  /** Pinned to a node that was cordoned, tainted or lost before the scheduler came: they would wait there for ever. */
  readonly stranded: readonly Instance[];
  readonly alive: readonly Instance[];
}

function sorted(
  instances: readonly Instance[],
  placement: Placement,
  { settings }: PlanInput,
): Sorted {
  const terminating: Instance[] = [];
  const dead: Instance[] = [];
  const stranded: Instance[] = [];
  const alive: Instance[] = [];
  for (const instance of instances) {
    const { bound, node } = instance;
    if (instance.terminating) terminating.push(instance);
    else if (instance.ended || instance.orphaned) dead.push(instance);
    else if (
      !bound &&
      node !== '' &&
      !placement.names.has(node) &&
      (settings.mode === 'Global' || placement.eligible.length > 0)
    )
      stranded.push(instance);
    else alive.push(instance);
  }
  return { terminating, dead, stranded, alive };
}

export function removal(instance: Instance, reason: string): RemoveOperation {
  const { node, name, uid } = instance;
  return {
    op: 'remove',
    force: instance.orphaned,
    node,
    pod: name,
    uid,
    step: 'delete',
    state: 'InProgress',
    reasons: [reason],
  };
}

function stop({ instance: { node, name, uid } }: Surplus): StopOperation {
  return {
    op: 'stop',
    node,
    pod: name,
    uid,
    step: 'delete',
    state: 'InProgress',
    reasons: ['it holds a host port that its node needs for the new instance'],
  };
}

function troublesOf(
  { input: { target } }: PlanContext,
  instances: readonly Instance[],
  declined: readonly Instance[],
): readonly string[] {
  return [
    ...instances
      .filter(({ trouble }) => trouble !== '')
      .map(({ name, trouble }) => `${name}: ${trouble}`),
    ...declined.map(
      ({ name, revision }) =>
        `${name} keeps revision ${revision}: ${target.hash} failed in its place`,
    ),
  ];
}

function count(instances: readonly Instance[], matches: (instance: Instance) => boolean): number {
  let number = 0;
  for (const instance of instances) if (matches(instance)) number += 1;
  return number;
}
