// What the steps of one planning run share: who is there, which slots they hold, and what is taken already. The only thing that
// changes while a plan is made: each operation that adds an instance takes its place here, so that the next one sees it. Pure.
import { requestsOf } from '../machinery/pod-requests.ts';
import type { Requests, Room } from '../machinery/pod-requests.ts';
import { NodePicker } from './node-picker.ts';
import { decideOrder, hostPortClash, hostPortsOf } from './order.ts';
import type { HostPort, OrderDecision } from './order.ts';
import type { Instance } from './instance.ts';
import type { Placement } from './placement.ts';
import type { PlanContext } from './plan-context.ts';
import type { Failure, RevisionFacts } from './plan-types.ts';
import type { Slots } from './slots.ts';

export interface WorkbenchOptions {
  readonly context: PlanContext;
  readonly placement: Placement;
  readonly slots: Slots;
  readonly alive: readonly Instance[];
  readonly terminating: readonly Instance[];
  readonly failure: Failure | undefined;
}

export class Workbench {
  readonly context: PlanContext;
  readonly placement: Placement;
  readonly slots: Slots;
  readonly alive: readonly Instance[];
  readonly terminating: readonly Instance[];
  readonly failure: Failure | undefined;
  /** node → instances that are there or planned to be. */
  readonly #load = new Map<string, number>();
  readonly #heldPorts = new Map<string, HostPort[]>();
  readonly #wanted = new Map<string, { ports: readonly HostPort[]; requests: Requests }>();
  #picker: NodePicker | undefined;
  #planned: RevisionFacts | undefined;

  constructor(options: WorkbenchOptions) {
    this.context = options.context;
    this.placement = options.placement;
    this.slots = options.slots;
    this.alive = options.alive;
    this.terminating = options.terminating;
    this.failure = options.failure;
    const { neighbours = [], target } = this.context.input;
    // Whoever is being replaced leaves its place to its successor.
    for (const { instance, successor = instance } of this.slots.held) this.#add(successor.node, 1);
    for (const { node, hostPorts } of [...this.alive, ...this.terminating, ...neighbours])
      this.#hold(node, hostPorts);
    this.#planned = this.context.goal ?? target;
  }

  loadOn(node: string): number {
    return this.#load.get(node) ?? 0;
  }

  /** Instances on all nodes. */
  get total(): number {
    let total = 0;
    for (const load of this.#load.values()) total += load;
    return total;
  }

  /** The node with the fewest instances, of those where one can start at once if there are any. */
  pickNode(revision: RevisionFacts): string | undefined {
    const picker = this.#nodePicker();
    this.#planned = revision;
    return picker.peek();
  }

  /** An instance of the revision goes there. @param from the node that it leaves for it */
  occupy(node: string, revision: RevisionFacts, from?: string): void {
    const { ports, requests } = this.#wantsOf(revision);
    const picker = this.#nodePicker();
    this.#add(node, 1);
    picker.touch(node, 1);
    if (from !== undefined) {
      this.#add(from, -1);
      picker.touch(from, -1);
    }
    this.#hold(node, ports);
    this.#roomOn(node)?.take(requests);
  }

  /** What keeps an instance from starting on a node, in words. */
  obstacleOn(node: string, revision: RevisionFacts): string | undefined {
    const { ports, requests } = this.#wantsOf(revision);
    if (ports.length > 0) {
      const clash = hostPortClash(this.#heldPorts.get(node) ?? [], ports);
      if (clash !== undefined)
        return `host port ${clash.port}/${clash.protocol} is taken on ${node}`;
    }
    const lacking = this.#roomOn(node)?.lacks(requests);
    return lacking === undefined ? undefined : `${node} has too little ${lacking} left`;
  }

  /** Made when the first instance looks for a node, before it takes it: it judges all nodes, and most plans add no instance. */
  #nodePicker(): NodePicker {
    const { goal, input } = this.context;
    return (this.#picker ??= new NodePicker({
      nodes: this.placement.eligible,
      constraints: (goal ?? input.target).template.spec.topologySpreadConstraints ?? [],
      loadOf: (node) => this.loadOn(node),
      isBlocked: (node) =>
        this.#planned !== undefined && this.obstacleOn(node, this.#planned) !== undefined,
    }));
  }

  #roomOn(node: string): Room | undefined {
    return this.context.input.room?.(node);
  }

  #wantsOf({ hash, template }: RevisionFacts): { ports: readonly HostPort[]; requests: Requests } {
    let wants = this.#wanted.get(hash);
    if (wants === undefined) {
      wants = { ports: hostPortsOf(template), requests: requestsOf(template.spec) };
      this.#wanted.set(hash, wants);
    }
    return wants;
  }

  #add(node: string, amount: number): void {
    this.#load.set(node, this.loadOn(node) + amount);
  }

  #hold(node: string, ports: readonly HostPort[]): void {
    if (ports.length === 0) return;
    const held = this.#heldPorts.get(node);
    if (held === undefined) this.#heldPorts.set(node, [...ports]);
    else held.push(...ports);
  }
}

export function orderFor(
  context: PlanContext,
  instance: Instance,
  goal: RevisionFacts,
): OrderDecision {
  const { settings, revisions } = context.input;
  return decideOrder(settings, revisions.get(instance.revision)?.template, goal.template);
}

export function waitingFor(instance: Instance): string {
  if (instance.readySince !== undefined) return `${instance.name} is ready and being watched`;
  const trouble = instance.trouble === '' ? '' : `: ${instance.trouble}`;
  return `waits for ${instance.name} to become ready${trouble}`;
}
