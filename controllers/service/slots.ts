// Sorts the instances of a service into slots: one slot is one instance that the spec asks for, held by one Pod, or by two while one
// replaces the other. What fits no slot is surplus; what is asked for and held by nobody is missing. Pure.
import { AWAY_TAINTS } from '../machinery/node-fit.ts';
import type { Instance } from './instance.ts';
import { hostPortClash, hostPortsOf } from './order.ts';
import type { PlanContext } from './plan-context.ts';
import { byName, placementRefusal } from './placement.ts';
import type { Placement } from './placement.ts';

export interface Slot {
  readonly instance: Instance;
  /** Takes over from `instance`. */
  readonly successor: Instance | undefined;
}

export interface Surplus {
  readonly instance: Instance;
  readonly reason: string;
  /** It must be stopped before an instance on its node can be replaced. */
  readonly isInTheWay: boolean;
}

export interface Vacancy {
  /** Where it must be; `undefined` when any node will do. */
  readonly node: string | undefined;
  readonly reason: string;
}

export interface Slots {
  readonly held: readonly Slot[];
  readonly surplus: readonly Surplus[];
  readonly vacancies: readonly Vacancy[];
  /** How many instances the spec asks for. */
  readonly desired: number;
}

/** @param alive instances neither terminating nor dead. @param occupied slots held back by dead instances: node names */
export function allotSlots(
  context: PlanContext,
  alive: readonly Instance[],
  occupied: readonly string[],
  placement: Placement,
): Slots {
  const slots = pairUp(context, alive);
  return context.input.settings.mode === 'Global'
    ? globalSlots(context, slots, occupied, placement)
    : replicatedSlots(context, slots, occupied);
}

/** A successor shares the slot of its predecessor as long as the one must go and the other may stay. */
function pairUp(context: PlanContext, alive: readonly Instance[]): readonly Slot[] {
  const outdated = new Set<string>();
  for (const instance of alive) {
    if (!context.isAcceptable(instance)) outdated.add(instance.uid);
  }
  const successors = new Map<string, Instance>();
  const paired = new Set<string>();
  for (const instance of alive) {
    const { replaces, uid } = instance;
    if (replaces === undefined || !outdated.has(replaces) || successors.has(replaces)) continue;
    if (outdated.has(uid)) continue;
    successors.set(replaces, instance);
    paired.add(uid);
  }
  return alive
    .filter(({ uid }) => !paired.has(uid))
    .map((instance) => ({ instance, successor: successors.get(instance.uid) }));
}

function replicatedSlots(
  context: PlanContext,
  slots: readonly Slot[],
  occupied: readonly string[],
): Slots {
  const desired = context.input.settings.replicas;
  const { kept, surplus } = choose(context, slots, desired);
  const existing = kept.length + occupied.length;
  const vacancies = Array.from({ length: Math.max(0, desired - existing) }, () => ({
    node: undefined,
    reason: `${existing} of ${desired} instances exist`,
  }));
  return {
    held: kept,
    surplus: surplusOf(surplus, `${desired} of ${slots.length} instances are wanted`),
    vacancies,
    desired,
  };
}

/** Who stays when there are too many: the best, and of equals those on the nodes with the fewest. */
function choose(
  context: PlanContext,
  slots: readonly Slot[],
  desired: number,
): { readonly kept: readonly Slot[]; readonly surplus: readonly Slot[] } {
  if (slots.length <= desired) return { kept: slots, surplus: [] };
  const ordered = slots.toSorted((a, b) => oldestFirst(a.instance, b.instance));
  const byRank = Map.groupBy(ordered, rankOf(context));
  const kept = new Set<Slot>();
  const surplus: Slot[] = [];
  for (const rank of [...byRank.keys()].toSorted((a, b) => a - b)) {
    const equals = byRank.get(rank) ?? [];
    const excess = kept.size + equals.length - desired;
    // Where there is room for some only: from the fullest node the newest go.
    const leaving =
      kept.size < desired ? leastMissed([...kept], equals, excess) : new Set<Slot>(equals);
    for (const slot of equals) {
      if (leaving.has(slot)) surplus.push(slot);
      else kept.add(slot);
    }
  }
  return { kept: slots.filter((slot) => kept.has(slot)), surplus };
}

/**
 * @returns `excess` of `candidates`: one after the other from the node that has the most by then; of equals from the one that had the
 * fewest to begin with, and then the newest
 */
function leastMissed(
  staying: readonly Slot[],
  candidates: readonly Slot[],
  excess: number,
): ReadonlySet<Slot> {
  if (excess <= 0) return new Set();
  const onNode = Map.groupBy(candidates, ({ instance }) => instance.node);
  const levelOf = new Map<string, number>();
  for (const { instance } of [...staying, ...candidates])
    levelOf.set(instance.node, (levelOf.get(instance.node) ?? 0) + 1);
  const levels = Map.groupBy(levelOf.keys(), (node) => levelOf.get(node) ?? 0);
  const newest = (node: string): Slot | undefined => onNode.get(node)?.at(-1);
  const leaving = new Set<Slot>();
  let nodes: readonly string[] = [];
  for (let level = Math.max(0, ...levels.keys()); level > 0; level -= 1) {
    nodes = [...nodes, ...(levels.get(level) ?? [])]
      .map((node) => ({ node, slot: newest(node) }))
      .filter((one): one is { node: string; slot: Slot } => one.slot !== undefined)
      .toSorted(
        (a, b) =>
          (levelOf.get(a.node) ?? 0) - (levelOf.get(b.node) ?? 0) ||
          oldestFirst(b.slot.instance, a.slot.instance),
      )
      .map(({ node }) => node);
    for (const node of nodes) {
      if (leaving.size >= excess) return leaving;
      const slot = onNode.get(node)?.pop();
      if (slot !== undefined) leaving.add(slot);
    }
  }
  return leaving;
}

/** Of several that all must be replaced the newest stands for its node until then: it is the likeliest to be what is wanted. */
function youngestOutdatedFirst(context: PlanContext, a: Slot, b: Slot): number {
  const order = oldestFirst(a.instance, b.instance);
  return context.isAcceptable(a.instance) ? order : -order;
}

function globalSlots(
  context: PlanContext,
  slots: readonly Slot[],
  occupied: readonly string[],
  placement: Placement,
): Slots {
  const { nodes, target, settings } = context.input;
  const held: Slot[] = [];
  const surplus: Surplus[] = [];
  const vacancies: Vacancy[] = [];
  const template = context.goal?.template ?? target.template;
  const allowed = new Set(settings.placementNodes);
  const ports = hostPortsOf(template);
  const rank = rankOf(context);
  const onNode = Map.groupBy(slots, ({ instance }) => instance.node);
  const resting = new Set(occupied);
  for (const node of byName(nodes)) {
    const here = (onNode.get(node.name) ?? []).toSorted(
      (a, b) => rank(a) - rank(b) || youngestOutdatedFirst(context, a, b),
    );
    // A node that is cordoned or away for a moment keeps its instance; one that no longer fits does not.
    const taints = node.taints.filter(({ key }) => !AWAY_TAINTS.has(key));
    const present = { ...node, taints, ready: true, unschedulable: false };
    const why = placementRefusal(template, present, allowed);
    if (why !== undefined) {
      surplus.push(...surplusOf(here, `node ${node.name} ${why}`));
      continue;
    }
    const [first, ...others] = here;
    if (first !== undefined) held.push(first);
    const isReplaced = first !== undefined && !context.isAcceptable(first.instance);
    surplus.push(
      ...surplusOf(others, `node ${node.name} has another instance`).map((one) => ({
        ...one,
        isInTheWay: isReplaced && hostPortClash(one.instance.hostPorts, ports) !== undefined,
      })),
    );
    if (first === undefined && placement.names.has(node.name) && !resting.has(node.name)) {
      vacancies.push({ node: node.name, reason: `node ${node.name} has no instance` });
    }
  }
  const known = new Set(nodes.map(({ name }) => name));
  const elsewhere = slots.filter(({ instance }) => !known.has(instance.node));
  surplus.push(...surplusOf(elsewhere, 'its node is not known'));
  return { held, surplus, vacancies, desired: held.length + vacancies.length + occupied.length };
}

function surplusOf(slots: readonly Slot[], reason: string): Surplus[] {
  return slots.flatMap(({ instance, successor }) => [
    { instance, reason, isInTheWay: false },
    ...(successor === undefined ? [] : [{ instance: successor, reason, isInTheWay: false }]),
  ]);
}

/** Who stays: available before not, acceptable before not. */
function rankOf(context: PlanContext): (slot: Slot) => number {
  return ({ instance, successor }) => {
    const available =
      context.isAvailable(instance) || (successor !== undefined && context.isAvailable(successor));
    const acceptable = successor !== undefined || context.isAcceptable(instance);
    return (available ? 0 : 2) + (acceptable ? 0 : 1);
  };
}

/** Ties end at the name, so that plans repeat. */
export function oldestFirst(a: Instance, b: Instance): number {
  return a.createdAt - b.createdAt || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
