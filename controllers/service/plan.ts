// The heart: from what is wanted and what is there to the operations that lead from one to the other. Pure, and without memory: an
// operation half done is recognised by the Pods it left, so the same plan is found again after a crash at any point.
import type { Instance } from './instance.ts';
import { placementOf } from './placement.ts';
import type { Placement } from './placement.ts';
import { planContext } from './plan-context.ts';
import { findFailure, mustRest } from './plan-failure.ts';
import { planReplaces } from './plan-replaces.ts';
import { doneOperations, planRuns, restingRuns } from './plan-runs.ts';
import type { Operation, Plan, PlanInput } from './plan-types.ts';
import { allotSlots, oldestFirst } from './slots.ts';
import { heldPortsOf, loadOf } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export function planService(input: PlanInput): Plan {
  const context = planContext(input);
  const { nodes, target } = input;
  // Whatever order they were found in: the same world gives the same plan.
  const instances = input.instances.toSorted(oldestFirst);
  const placement = placementOf((context.goal ?? target).template, nodes);
  const terminating = instances.filter((instance) => instance.terminating);
  const lasting = instances.filter(
    ({ terminating: going, ended, orphaned }) => !going && !ended && !orphaned,
  );
  const stranded = lasting.filter((instance) => isStranded(instance, placement, input));
  const alive = lasting.filter((instance) => !stranded.includes(instance));
  const dead = instances.filter(
    ({ terminating: going, ended, orphaned }) => !going && (ended || orphaned),
  );
  const failure = findFailure(context, alive, dead, placement);
  const resting = dead.filter((instance) => mustRest(context, instance, failure));
  const slots = allotSlots(
    context,
    alive,
    resting.map(({ node }) => node),
    placement,
  );
  const bench: Workbench = {
    context,
    placement,
    slots,
    alive,
    terminating,
    load: loadOf(slots),
    heldPorts: heldPortsOf([...alive, ...terminating]),
    failure,
  };

  const removals = [
    ...dead
      .filter((instance) => !resting.includes(instance))
      .map((instance) => removal(instance, instance.trouble)),
    ...stranded.map((instance) =>
      removal(instance, `node ${instance.node} does not take it any more`),
    ),
    ...slots.surplus.map(({ instance, reason }) => removal(instance, reason)),
  ];
  const runs = planRuns(bench);
  const replaces = planReplaces(bench, runs.length);
  const leaving = terminating
    .filter(({ reachable }) => reachable)
    .map((instance): Operation => ({ ...removal(instance, 'it is stopping'), step: 'wait' }));
  const updated = alive.filter((instance) => context.isUpdated(instance));
  const available = alive.filter((instance) => context.isAvailable(instance));
  const open = [...removals, ...runs, ...replaces, ...leaving];
  return {
    operations: [...doneOperations(bench), ...open, ...restingRuns(context, resting)],
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
    ready: alive.filter(({ readySince }) => readySince !== undefined).length,
    updated: updated.length,
    available: available.length,
    rejected: placement.rejected,
    troubles: troublesOf(alive, dead),
    wakeInMs: context.wakeInMs,
  };
}

/** Pinned to a node that was cordoned, tainted or lost before the scheduler came: it would wait there for ever. */
function isStranded(instance: Instance, placement: Placement, { settings }: PlanInput): boolean {
  const { bound, node } = instance;
  if (bound || node === '' || placement.eligible.some(({ name }) => name === node)) return false;
  return settings.mode === 'Global' || placement.eligible.length > 0;
}

function removal(instance: Instance, reason: string): Operation {
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

function troublesOf(alive: readonly Instance[], dead: readonly Instance[]): readonly string[] {
  return [...alive, ...dead]
    .filter(({ trouble }) => trouble !== '')
    .map(({ name, trouble }) => `${name}: ${trouble}`);
}
