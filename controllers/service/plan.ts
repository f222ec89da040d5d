// The heart: from what is wanted and what is there to the operations that lead from one to the other. Pure, and without memory: an
// operation half done is recognised by the Pods it left, so the same plan is found again after a crash at any point.
import { decideOrder, hostPortClash, hostPortsOf } from './order.ts';
import type { HostPort, OrderDecision } from './order.ts';
import { evaluateChange } from './evaluate.ts';
import type { Instance } from './instance.ts';
import { explainRejections, pickNode, placementOf } from './placement.ts';
import type { Placement } from './placement.ts';
import { planContext } from './plan-context.ts';
import type { PlanContext } from './plan-context.ts';
import type { Failure, Operation, Plan, PlanInput, RevisionFacts } from './plan-types.ts';
import { allotSlots, oldestFirst } from './slots.ts';
import type { Slot, Slots } from './slots.ts';

/** An instance that ended at once is not made again sooner than this after its creation. */
const REPAIR_PACE_MS = 10_000;
const MAXIMUM_REASONS = 5;

/** The parts of one planning run that its steps share. */
interface Workbench {
  readonly context: PlanContext;
  readonly placement: Placement;
  readonly slots: Slots;
  readonly alive: readonly Instance[];
  readonly terminating: readonly Instance[];
  /** node → instances that are there or planned to be. */
  readonly load: Map<string, number>;
  readonly heldPorts: Map<string, HostPort[]>;
  readonly failure: Failure | undefined;
}

export function planService(input: PlanInput): Plan {
  const context = planContext(input);
  const { nodes, target } = input;
  // Whatever order they were found in: the same world gives the same plan.
  const instances = input.instances.toSorted(oldestFirst);
  const placement = placementOf((context.goal ?? target).template, nodes);
  const terminating = instances.filter((instance) => instance.terminating);
  const alive = instances.filter(
    ({ terminating: going, ended, orphaned }) => !going && !ended && !orphaned,
  );
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

/** The first reason why an unproven rollout is not getting anywhere. */
function findFailure(
  context: PlanContext,
  alive: readonly Instance[],
  dead: readonly Instance[],
  placement: Placement,
): Failure | undefined {
  const { settings, target, current, now } = context.input;
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
    const deadline = instance.createdAt + settings.progressDeadlineMs;
    if (now >= deadline) {
      const trouble = instance.trouble === '' ? 'it never became ready' : instance.trouble;
      return { message: `${instance.name}: ${trouble}`, mark };
    }
    context.wakeAt(deadline);
  }
  if (placement.eligible.length === 0 && settings.mode === 'Replicated' && settings.replicas > 0) {
    const deadline = target.activatedAt + settings.progressDeadlineMs;
    if (now >= deadline) return { message: explainRejections(placement), mark: false };
    context.wakeAt(deadline);
  }
  return undefined;
}

/** Dead instances stay for a while: as evidence of a failed rollout, or so that repairs do not spin. */
function mustRest(context: PlanContext, instance: Instance, failure: Failure | undefined): boolean {
  if (instance.orphaned) return false;
  if (failure !== undefined && context.isUpdated(instance)) return true;
  const until = instance.createdAt + REPAIR_PACE_MS;
  if (context.input.now >= until) return false;
  context.wakeAt(until);
  return true;
}

function restingRuns(context: PlanContext, resting: readonly Instance[]): Operation[] {
  return resting.map((instance, index) => ({
    op: 'run',
    node: instance.node,
    revision: context.goal?.hash ?? '',
    index: 1_000 + index,
    step: 'wait',
    state: 'Waiting',
    pod: instance.name,
    reasons: [`${instance.name}: ${instance.trouble}`],
  }));
}

function planRuns(bench: Workbench): Operation[] {
  const { context, slots } = bench;
  const { goal } = context;
  if (goal === undefined) return [];
  const missing = slots.vacancies.map((vacancy, index) =>
    planRun(bench, goal, vacancy.node, vacancy.reason, index),
  );
  const starting = slots.held
    .filter(({ instance }) => context.isAcceptable(instance) && !context.isAvailable(instance))
    .map(({ instance }, index): Operation => ({
      op: 'run',
      node: instance.node,
      revision: instance.revision,
      index: 2_000 + index,
      step: 'wait',
      state: bench.failure === undefined ? 'InProgress' : 'Failed',
      pod: instance.name,
      reasons: [waitingFor(instance)],
    }));
  return [...starting, ...missing];
}

function planRun(
  bench: Workbench,
  goal: RevisionFacts,
  wantedNode: string | undefined,
  reason: string,
  index: number,
): Operation {
  const { placement, load, heldPorts } = bench;
  const node = wantedNode ?? pickNode(placement, goal.template, load, heldPorts);
  const base = { op: 'run', node: node ?? '', revision: goal.hash, index } as const;
  if (node === undefined) {
    return {
      ...base,
      step: 'wait',
      state: 'Waiting',
      reasons: [reason, explainRejections(placement)],
    };
  }
  const obstacle = obstacleTo(bench, goal, node);
  if (obstacle !== undefined) {
    return { ...base, step: 'wait', state: 'Waiting', reasons: [reason, obstacle] };
  }
  occupy(bench, node, goal);
  return { ...base, step: 'create', state: 'InProgress', reasons: [reason] };
}

/** What must go before an instance can start on a node. */
function obstacleTo(bench: Workbench, goal: RevisionFacts, node: string): string | undefined {
  const { context, terminating, alive } = bench;
  const { settings } = context.input;
  const going = terminating.filter(({ reachable }) => reachable);
  if (settings.type === 'Recreate') {
    const before = [...alive.filter((instance) => !context.isAcceptable(instance)), ...going][0];
    if (before !== undefined) return `waits until ${before.name} is gone`;
  }
  const blocking = going.find(
    (instance) =>
      instance.node === node && orderFor(context, instance, goal).order === 'stop-first',
  );
  if (blocking !== undefined) return `waits until ${blocking.name} is gone`;
  const clash = hostPortClash(bench.heldPorts.get(node) ?? [], hostPortsOf(goal.template));
  if (clash !== undefined) return `host port ${clash.port}/${clash.protocol} is taken on ${node}`;
  return undefined;
}

function planReplaces(bench: Workbench, runCount: number): Operation[] {
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
  const reasons = [...changeReasons(context, instance, goal), orderReason];
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
  const { reasons } = evaluateChange(before, goal.template);
  const shown = reasons.slice(0, MAXIMUM_REASONS);
  const more = reasons.length - shown.length;
  const why = more > 0 ? [...shown, `and ${more} more changes`] : shown;
  return context.undone
    ? [`undoes a failed rollout: ${context.input.target.failure ?? ''}`, ...why]
    : why;
}

function orderFor(context: PlanContext, instance: Instance, goal: RevisionFacts): OrderDecision {
  const { settings, templates } = context.input;
  return decideOrder(settings, templates.get(instance.revision), goal.template);
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

/** What an unproven rollout has finished, read from the instances that it left. */
function doneOperations({ context, slots }: Workbench): Operation[] {
  if (!context.unproven || context.undone) return [];
  return slots.held
    .filter(({ instance }) => context.isUpdated(instance) && context.isAvailable(instance))
    .map(({ instance }, index) => ({
      op: 'run',
      node: instance.node,
      revision: instance.revision,
      index: 3_000 + index,
      step: 'wait',
      state: 'Done',
      pod: instance.name,
      reasons: [
        instance.replaces === undefined ? 'it was missing' : 'it took the place of an older one',
      ],
    }));
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

function waitingFor(instance: Instance): string {
  if (instance.readySince !== undefined) return `${instance.name} is ready and being watched`;
  const trouble = instance.trouble === '' ? '' : `: ${instance.trouble}`;
  return `waits for ${instance.name} to become ready${trouble}`;
}

function troublesOf(alive: readonly Instance[], dead: readonly Instance[]): readonly string[] {
  return [...alive, ...dead]
    .filter(({ trouble }) => trouble !== '')
    .map(({ name, trouble }) => `${name}: ${trouble}`);
}

function occupy({ load, heldPorts }: Workbench, node: string, goal: RevisionFacts): void {
  load.set(node, (load.get(node) ?? 0) + 1);
  heldPorts.set(node, [...(heldPorts.get(node) ?? []), ...hostPortsOf(goal.template)]);
}

function loadOf(slots: Slots): Map<string, number> {
  const load = new Map<string, number>();
  for (const { instance } of slots.held)
    load.set(instance.node, (load.get(instance.node) ?? 0) + 1);
  return load;
}

function heldPortsOf(instances: readonly Instance[]): Map<string, HostPort[]> {
  const held = new Map<string, HostPort[]>();
  for (const { node, hostPorts } of instances) {
    held.set(node, [...(held.get(node) ?? []), ...hostPorts]);
  }
  return held;
}
