// Sorts the instances of a service into slots: one slot is one instance that the spec asks for, held by one Pod, or by two while one
// replaces the other. What fits no slot is surplus; what is asked for and held by nobody is missing. Pure.
import { AWAY_TAINTS, refusal } from '../machinery/node-fit.ts';
import type { Instance } from './instance.ts';
import type { PlanContext } from './plan-context.ts';
import type { Placement } from './placement.ts';

export interface Slot {
  readonly instance: Instance;
  /** Takes over from `instance`. */
  readonly successor: Instance | undefined;
}

export interface Surplus {
  readonly instance: Instance;
  readonly reason: string;
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
  const outdated = new Map(
    alive
      .filter((instance) => !context.isAcceptable(instance))
      .map((instance) => [instance.uid, instance]),
  );
  const successors = new Map<string, Instance>();
  for (const instance of alive.toSorted(oldestFirst)) {
    const { replaces } = instance;
    if (replaces === undefined || !outdated.has(replaces) || successors.has(replaces)) continue;
    if (context.isAcceptable(instance)) successors.set(replaces, instance);
  }
  const paired = new Set([...successors.values()].map(({ uid }) => uid));
  return alive
    .filter(({ uid }) => !paired.has(uid))
    .toSorted(oldestFirst)
    .map((instance) => ({ instance, successor: successors.get(instance.uid) }));
}

function replicatedSlots(
  context: PlanContext,
  slots: readonly Slot[],
  occupied: readonly string[],
): Slots {
  const desired = context.input.settings.replicas;
  const ranked = slots.toSorted(bestFirst(context));
  const held = ranked.slice(0, desired);
  const existing = held.length + occupied.length;
  const vacancies = Array.from({ length: Math.max(0, desired - existing) }, () => ({
    node: undefined,
    reason: `${existing} of ${desired} instances exist`,
  }));
  return {
    held: held.toSorted((a, b) => oldestFirst(a.instance, b.instance)),
    surplus: surplusOf(ranked.slice(desired), `${desired} of ${slots.length} instances are wanted`),
    vacancies,
    desired,
  };
}

function globalSlots(
  context: PlanContext,
  slots: readonly Slot[],
  occupied: readonly string[],
  placement: Placement,
): Slots {
  const { nodes, target } = context.input;
  const held: Slot[] = [];
  const surplus: Surplus[] = [];
  const vacancies: Vacancy[] = [];
  const template = context.goal?.template ?? target.template;
  for (const node of nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const here = slots
      .filter(({ instance }) => instance.node === node.name)
      .toSorted(bestFirst(context));
    // A node that is cordoned or away for a moment keeps its instance; one that no longer fits does not.
    const taints = node.taints.filter(({ key }) => !AWAY_TAINTS.has(key));
    const why = refusal(template.spec, { ...node, taints, ready: true, unschedulable: false });
    if (why !== undefined) {
      surplus.push(...surplusOf(here, `node ${node.name} ${why}`));
      continue;
    }
    held.push(...here.slice(0, 1));
    surplus.push(...surplusOf(here.slice(1), `node ${node.name} has another instance`));
    const eligible = placement.eligible.some(({ name }) => name === node.name);
    if (here.length === 0 && eligible && !occupied.includes(node.name)) {
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
    { instance, reason },
    ...(successor === undefined ? [] : [{ instance: successor, reason }]),
  ]);
}

/** Who stays: available before not, acceptable before not, older before newer. Ties end at the name, so that plans repeat. */
function bestFirst(context: PlanContext): (a: Slot, b: Slot) => number {
  const rank = ({ instance, successor }: Slot): number => {
    const available =
      context.isAvailable(instance) || (successor !== undefined && context.isAvailable(successor));
    const acceptable = successor !== undefined || context.isAcceptable(instance);
    return (available ? 0 : 2) + (acceptable ? 0 : 1);
  };
  return (a, b) => rank(a) - rank(b) || oldestFirst(a.instance, b.instance);
}

export function oldestFirst(a: Instance, b: Instance): number {
  return a.createdAt - b.createdAt || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
