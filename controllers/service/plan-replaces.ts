// Operations that put an instance in the place of one that may not stay as it is: how many at a time, which first, in what order, and
// why. Where only resources differ, the instance is updated while it runs. Pure.
import { evaluateResources } from './evaluate-resources.ts';
import type { Instance } from './instance.ts';
import { watchedUntil } from './judge.ts';
import type { Pace } from './pace.ts';
import { updatedCount } from './pace.ts';
import type { PlanContext } from './plan-context.ts';
import type { Operation, RevisionFacts } from './plan-types.ts';
import type { Slot } from './slots.ts';
import { orderFor, waitingFor } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const MAXIMUM_REASONS = 5;

export function planReplaces(
  bench: Workbench,
  runs: readonly Operation[],
  pace: Pace,
): Operation[] {
  const { context, slots, terminating } = bench;
  const { settings, now, whole, current, target } = context.input;
  const { goal } = context;
  if (goal === undefined) return [];
  const outdated = slots.held.filter(({ instance }) => !context.isAcceptable(instance));
  if (outdated.length === 0) return [];
  // An instance that failed and makes room for the revision before is nobody's turn: it is put right at once.
  const failed = (instance: Instance): boolean =>
    goal.hash === target.hash && context.isUpdated(instance) && !context.isDisplaced(instance);
  const rolling = outdated.filter(({ instance }) => !failed(instance));
  const begun = rolling.filter((slot) => isBegun(context, slot, goal));
  const stopping = terminating.filter(
    (instance) => instance.reachable && !context.isAcceptable(instance),
  );
  const creating = runs.filter(
    (run) => run.op === 'run' && run.step === 'create' && run.revision === target.hash,
  ).length;
  let allowance = Math.min(
    pace.parallel -
      begun.length -
      stopping.length -
      (Number.isFinite(pace.parallel) ? runs.length : 0),
    pace.ceiling - updatedCount(bench) - creating,
  );
  if (bench.failure !== undefined) allowance = 0;
  const rested = lastSuccess(context, slots.held) + settings.delayMs;
  if (settings.delayMs > 0 && now < rested && whole !== true) {
    context.judge.wakeAt(rested);
    allowance = 0;
  }
  const operations = outdated
    .filter(({ instance }) => failed(instance))
    .map((slot) => restore(slot, current));
  // What does not serve anyway goes first.
  const ranked = rolling.toSorted(
    (a, b) => Number(context.isAvailable(a.instance)) - Number(context.isAvailable(b.instance)),
  );
  const moves = movesOf(bench, goal, ranked);
  for (const slot of ranked) {
    const mayStart = !isBegun(context, slot, goal) && allowance > 0;
    if (mayStart) allowance -= 1;
    operations.push(planReplace(bench, goal, slot, moves.get(slot), mayStart));
  }
  return operations;
}

function isBegun(
  context: PlanContext,
  { instance, successor }: Slot,
  goal: RevisionFacts,
): boolean {
  if (successor !== undefined) return true;
  const update = updateStep(context, instance, goal);
  return update !== undefined && update !== 'resize';
}

function planReplace(
  bench: Workbench,
  goal: RevisionFacts,
  { instance, successor }: Slot,
  move: Move | undefined,
  mayStart: boolean,
): Operation {
  const { context } = bench;
  const update = successor === undefined ? updateStep(context, instance, goal) : undefined;
  const reasons = changeReasons(context, instance, goal);
  if (update !== undefined) {
    const isOn = update !== 'resize' || mayStart;
    return {
      op: 'update',
      node: instance.node,
      revision: goal.hash,
      pod: instance.name,
      uid: instance.uid,
      step: isOn ? update : 'wait',
      state: isOn ? 'InProgress' : 'Pending',
      reasons: [
        ...reasons,
        ...(update === 'wait' ? [`waits for ${instance.name} to be resized`] : []),
      ],
    };
  }
  const { order, reason: orderReason, node } = move ?? moveOf(bench, goal, instance, false);
  const base = {
    op: 'replace',
    order,
    revision: goal.hash,
    pod: instance.name,
    uid: instance.uid,
    node: successor?.node ?? node ?? '',
  } as const;
  const why = [...reasons, ...(orderReason === undefined ? [] : [orderReason])];
  if (successor !== undefined) {
    if (context.isAvailable(successor))
      return { ...base, step: 'delete', state: 'InProgress', reasons: why };
    const state = bench.failure === undefined ? 'InProgress' : 'Failed';
    return { ...base, step: 'wait', state, reasons: [...why, waitingFor(successor)] };
  }
  if (!mayStart) return { ...base, step: 'wait', state: 'Pending', reasons: why };
  if (node === undefined) {
    return {
      ...base,
      step: 'wait',
      state: 'Waiting',
      reasons: [...why, bench.placement.problem],
    };
  }
  const step = order === 'stop-first' ? 'delete' : 'create';
  return { ...base, step, state: 'InProgress', reasons: why };
}

interface Move {
  readonly order: 'start-first' | 'stop-first';
  readonly reason: string | undefined;
  /** Where the new one goes; `undefined` when no node is eligible. */
  readonly node: string | undefined;
}

/**
 * Of those that have no successor yet: where the new instance goes, and which comes first. It stays where the old one is, unless that
 * node is out or has more than its share: a rollout evens out what it replaces anyway. The last on such a node are the ones to go.
 */
function movesOf(
  bench: Workbench,
  goal: RevisionFacts,
  ranked: readonly Slot[],
): ReadonlyMap<Slot, Move> {
  const { context } = bench;
  const movable = ranked.filter(
    ({ instance, successor }) =>
      successor === undefined && updateStep(context, instance, goal) === undefined,
  );
  const { settings } = context.input;
  const shares = context.undone || settings.mode === 'Global' ? undefined : sharesOf(bench);
  const left = new Map<string, number>();
  for (const { instance } of movable) left.set(instance.node, (left.get(instance.node) ?? 0) + 1);
  const moves = new Map<Slot, Move>();
  for (const slot of movable) {
    const { node } = slot.instance;
    const remaining = left.get(node) ?? 0;
    left.set(node, remaining - 1);
    const excess = shares === undefined ? 0 : bench.loadOn(node) - (shares.get(node) ?? 0);
    const move = moveOf(bench, goal, slot.instance, excess >= remaining);
    moves.set(slot, move);
    if (move.node !== undefined && move.node !== node) bench.occupy(move.node, goal, node);
  }
  return moves;
}

/**
 * How many each eligible node shall have in the end: as even as can be, and the same answer after each step on the way there, so that
 * a preview promises what happens. Those that have more than the smaller share keep the larger one, in order of name.
 */
function sharesOf(bench: Workbench): ReadonlyMap<string, number> {
  const { eligible } = bench.placement;
  const small = Math.floor(bench.total / Math.max(1, eligible.length));
  let larger = bench.total - small * eligible.length;
  const isFuller = ({ name }: { readonly name: string }): boolean => bench.loadOn(name) > small;
  const inTurn = [...eligible.filter(isFuller), ...eligible.filter((node) => !isFuller(node))];
  const shares = new Map<string, number>();
  for (const { name } of inTurn) {
    shares.set(name, larger > 0 ? small + 1 : small);
    larger -= 1;
  }
  return shares;
}

function moveOf(
  bench: Workbench,
  goal: RevisionFacts,
  instance: Instance,
  isUneven: boolean,
): Move {
  const { context, placement } = bench;
  const { settings } = context.input;
  const { order, reason } = orderFor(context, instance, goal);
  const mayStay = placement.names.has(instance.node);
  if (settings.mode === 'Global') return { order, reason, node: instance.node };
  const other = bench.pickNode(goal);
  const isBetter =
    isUneven &&
    other !== undefined &&
    other !== instance.node &&
    bench.obstacleOn(other, goal) === undefined;
  if (!mayStay || isBetter) return { order, reason, node: other };
  if (order === 'start-first' && settings.order === 'Auto') {
    const obstacle = bench.obstacleOn(instance.node, goal);
    if (obstacle === undefined) return { order, reason, node: instance.node };
    // No room for both here: side by side elsewhere, or one after the other.
    if (other !== undefined && bench.obstacleOn(other, goal) === undefined)
      return { order, reason: `${obstacle} for both`, node: other };
    return { order: 'stop-first', reason: `${obstacle} for both`, node: instance.node };
  }
  return { order, reason, node: instance.node };
}

/** The failed instance leaves its place to one of the revision before, which is kept as it is. */
function restore({ instance, successor }: Slot, current: RevisionFacts | undefined): Operation {
  const base = {
    op: 'replace',
    order: 'stop-first',
    revision: current?.hash ?? '',
    pod: instance.name,
    uid: instance.uid,
    node: instance.node,
    state: 'Failed',
    reasons: [`${instance.name} failed: ${instance.trouble || 'it never became ready'}`],
  } as const;
  if (current === undefined) return { ...base, step: 'wait' };
  if (successor !== undefined) return { ...base, step: 'delete' };
  return { ...base, step: 'restore' };
}

/** The next step of an update in place; `undefined` where the instance must be replaced. */
function updateStep(
  context: PlanContext,
  instance: Instance,
  goal: RevisionFacts,
): 'resize' | 'adopt' | 'wait' | undefined {
  const { judge, input } = context;
  if (context.isDisplaced(instance) || instance.readySince === undefined) return undefined;
  if (judge.evaluate(instance.revision, goal).verdict !== 'needs-update') return undefined;
  if (instance.resizeRefused === goal.hash || !instance.resizable) return undefined;
  if (!evaluateResources(instance.resources, goal.template)) return 'resize';
  if (instance.resize === 'infeasible') return undefined;
  if (input.whole === true) return 'resize';
  return instance.resize === 'done' ? 'adopt' : 'wait';
}

function changeReasons(
  context: PlanContext,
  instance: Instance,
  goal: RevisionFacts,
): readonly string[] {
  const { input, judge } = context;
  const displaced = context.isDisplaced(instance)
    ? [`node ${instance.node} is not in spec.placement.nodes`]
    : [];
  const { verdict, reasons } = judge.evaluate(instance.revision, goal);
  if (verdict === 'up-to-date') return displaced;
  if (!input.revisions.has(instance.revision))
    return [...displaced, `its revision ${instance.revision || '(none)'} is not known any more`];
  const shown = reasons.slice(0, MAXIMUM_REASONS);
  const more = reasons.length - shown.length;
  const refused = instance.resize === 'infeasible' || instance.resizeRefused === goal.hash;
  const why = [
    ...displaced,
    ...shown,
    ...(more > 0 ? [`and ${more} more changes`] : []),
    ...(verdict === 'needs-update' && (refused || !instance.resizable)
      ? ['its node cannot change the resources of a running instance: it is replaced']
      : []),
  ];
  const undoes = input.target.failure ?? 'it was aborted';
  return context.undone ? [`undoes a failed rollout: ${undoes}`, ...why] : why;
}

/** When the newest instance of an unproven rollout became available; 0 when none did. */
function lastSuccess(context: PlanContext, held: readonly Slot[]): number {
  if (!context.unproven) return 0;
  const { monitorMs } = context.input.settings;
  let newest = 0;
  for (const { instance, successor = instance } of held) {
    if (successor.readySince === undefined || !context.isUpdated(successor)) continue;
    newest = Math.max(newest, watchedUntil(successor.readySince, successor.probed ? 0 : monitorMs));
  }
  return newest;
}
