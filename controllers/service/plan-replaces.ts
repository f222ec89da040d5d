// Operations that put an instance of another revision in the place of one: how many at a time, which first, and why. Pure.
import { evaluateChange } from './evaluate.ts';
import type { Instance } from './instance.ts';
import { explainRejections, pickNode } from './placement.ts';
import type { PlanContext } from './plan-context.ts';
import type { Operation, RevisionFacts } from './plan-types.ts';
import type { Slot } from './slots.ts';
import { occupy, orderFor, waitingFor } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const MAXIMUM_REASONS = 5;

export function planReplaces(bench: Workbench, runCount: number): Operation[] {
  const { context, slots, terminating } = bench;
  const { settings, now } = context.input;
  const { goal } = context;
  if (goal === undefined) return [];
  const outdated = slots.held.filter(({ instance }) => !context.isAcceptable(instance));
  const begun = outdated.filter(({ successor }) => successor !== undefined);
  const stopping = terminating.filter(
    (instance) => instance.reachable && !context.isAcceptable(instance),
  );
  let allowance = settings.type === 'Recreate' ? Number.POSITIVE_INFINITY : settings.maxParallel;
  if (settings.type !== 'Recreate') allowance -= begun.length + stopping.length + runCount;
  if (bench.failure !== undefined) allowance = 0;
  const rested = lastSuccess(context, slots.held) + settings.delayMs;
  if (settings.delayMs > 0 && now < rested) {
    context.wakeAt(rested);
    allowance = 0;
  }
  const operations: Operation[] = [];
  // What does not serve anyway goes first.
  const ranked = outdated.toSorted(
    (a, b) => Number(context.isAvailable(a.instance)) - Number(context.isAvailable(b.instance)),
  );
  for (const slot of ranked) {
    const mayStart = slot.successor === undefined && allowance > 0;
    if (mayStart) allowance -= 1;
    operations.push(planReplace(bench, goal, slot, mayStart));
  }
  return operations;
}

function planReplace(
  bench: Workbench,
  goal: RevisionFacts,
  { instance, successor }: Slot,
  mayStart: boolean,
): Operation {
  const { context, placement } = bench;
  const { order, reason: orderReason } = orderFor(context, instance, goal);
  const stays = placement.eligible.some(({ name }) => name === instance.node);
  const node = stays
    ? instance.node
    : (pickNode(placement, goal.template, bench.load, bench.heldPorts) ?? '');
  const base = {
    op: 'replace',
    order,
    revision: goal.hash,
    pod: instance.name,
    uid: instance.uid,
    node: successor?.node ?? node,
  } as const;
  const reasons = [
    ...changeReasons(context, instance, goal),
    ...(orderReason === undefined ? [] : [orderReason]),
  ];
  if (successor !== undefined) {
    if (context.isAvailable(successor))
      return { ...base, step: 'delete', state: 'InProgress', reasons };
    const state = bench.failure === undefined ? 'InProgress' : 'Failed';
    return { ...base, step: 'wait', state, reasons: [...reasons, waitingFor(successor)] };
  }
  if (!mayStart) return { ...base, step: 'wait', state: 'Pending', reasons };
  if (node === '') {
    return {
      ...base,
      step: 'wait',
      state: 'Waiting',
      reasons: [...reasons, explainRejections(placement)],
    };
  }
  if (order === 'stop-first') return { ...base, step: 'delete', state: 'InProgress', reasons };
  occupy(bench, node, goal);
  return { ...base, step: 'create', state: 'InProgress', reasons };
}

function changeReasons(
  context: PlanContext,
  instance: Instance,
  goal: RevisionFacts,
): readonly string[] {
  const before = context.input.templates.get(instance.revision);
  if (before === undefined)
    return [`its revision ${instance.revision || '(none)'} is not known any more`];
  const { verdict, reasons } = evaluateChange(before, goal.template);
  const shown = reasons.slice(0, MAXIMUM_REASONS);
  const more = reasons.length - shown.length;
  const why = [
    ...shown,
    ...(more > 0 ? [`and ${more} more changes`] : []),
    ...(verdict === 'needs-update'
      ? ['resources of a running instance are not changed in place yet: it is replaced']
      : []),
  ];
  return context.undone
    ? [`undoes a failed rollout: ${context.input.target.failure ?? ''}`, ...why]
    : why;
}

/** When the newest instance of an unproven rollout became available; 0 when none did. */
function lastSuccess(context: PlanContext, held: readonly Slot[]): number {
  if (!context.unproven) return 0;
  const { monitorMs } = context.input.settings;
  return Math.max(
    0,
    ...held.map(({ instance, successor = instance }) =>
      context.isUpdated(successor) && successor.readySince !== undefined
        ? successor.readySince + (successor.probed ? 0 : monitorMs)
        : 0,
    ),
  );
}
