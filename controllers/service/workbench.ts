// What the steps of one planning run share: who is there, which slots they hold, and what is taken already. The only thing that
// changes while a plan is made: each operation that adds an instance takes its place here, so that the next one sees it. Pure.
import { decideOrder, hostPortsOf } from './order.ts';
import type { HostPort, OrderDecision } from './order.ts';
import type { Instance } from './instance.ts';
import type { Placement } from './placement.ts';
import type { PlanContext } from './plan-context.ts';
import type { Failure, RevisionFacts } from './plan-types.ts';
import type { Slots } from './slots.ts';

/** The parts of one planning run that its steps share. */
export interface Workbench {
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

export function occupy({ load, heldPorts }: Workbench, node: string, goal: RevisionFacts): void {
  load.set(node, (load.get(node) ?? 0) + 1);
  heldPorts.set(node, [...(heldPorts.get(node) ?? []), ...hostPortsOf(goal.template)]);
}

export function loadOf(slots: Slots): Map<string, number> {
  const load = new Map<string, number>();
  for (const { instance } of slots.held)
    load.set(instance.node, (load.get(instance.node) ?? 0) + 1);
  return load;
}

export function heldPortsOf(instances: readonly Instance[]): Map<string, HostPort[]> {
  const held = new Map<string, HostPort[]>();
  for (const { node, hostPorts } of instances) {
    held.set(node, [...(held.get(node) ?? []), ...hostPorts]);
  }
  return held;
}

export function orderFor(
  context: PlanContext,
  instance: Instance,
  goal: RevisionFacts,
): OrderDecision {
  const { settings, templates } = context.input;
  return decideOrder(settings, templates.get(instance.revision), goal.template);
}

export function waitingFor(instance: Instance): string {
  if (instance.readySince !== undefined) return `${instance.name} is ready and being watched`;
  const trouble = instance.trouble === '' ? '' : `: ${instance.trouble}`;
  return `waits for ${instance.name} to become ready${trouble}`;
}
