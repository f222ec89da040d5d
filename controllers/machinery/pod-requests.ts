// What a Pod asks of its node, and what the node has, by resource. Pure; remembers what it found, as objects of a cache never change in
// place.
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { parseQuantity } from './quantity.ts';

/** Resource name → amount, in the billionths of quantity.ts. */
export type Requests = ReadonlyMap<string, bigint>;

/** Of the status of a Node. */
type Allocatable = Readonly<Record<string, string>>;

const known = new WeakMap<V1PodSpec, Requests>();
const knownAmounts = new WeakMap<Allocatable, Requests>();

/** The sum of its containers, or its largest init container. */
export function requestsOf(pod: V1PodSpec): Requests {
  const before = known.get(pod);
  if (before !== undefined) return before;
  const total = new Map<string, bigint>();
  for (const container of pod.containers) {
    for (const [name, amount] of containerRequests(container)) {
      total.set(name, (total.get(name) ?? 0n) + amount);
    }
  }
  for (const container of pod.initContainers ?? []) {
    const stays = container.restartPolicy === 'Always';
    for (const [name, amount] of containerRequests(container)) {
      const sum = total.get(name) ?? 0n;
      total.set(name, stays ? sum + amount : sum > amount ? sum : amount);
    }
  }
  for (const [name, text] of Object.entries(pod.overhead ?? {})) {
    total.set(name, (total.get(name) ?? 0n) + (parseQuantity(text) ?? 0n));
  }
  known.set(pod, total);
  return total;
}

/** A limit without a request counts as the request, as upstream defaults it. */
function containerRequests({ resources }: V1Container): readonly [string, bigint][] {
  const requests = { ...resources?.limits, ...resources?.requests };
  return Object.entries(requests).map(([name, text]) => [name, parseQuantity(text) ?? 0n]);
}

/** What a node has left of each resource; a Pod counts as one of `pods`. */
export class Room {
  readonly #free: Map<string, bigint>;

  constructor(allocatable: Allocatable) {
    this.#free = new Map(amountsOf(allocatable));
  }

  take(requests: Requests, sign: 1n | -1n = 1n): void {
    this.#spend('pods', sign * ONE_POD);
    for (const [name, amount] of requests) this.#spend(name, sign * amount);
  }

  /** Name of the resource that does not suffice. */
  lacks(requests: Requests): string | undefined {
    const pods = this.#free.get('pods');
    if (pods !== undefined && pods < ONE_POD) return 'pods';
    for (const [name, amount] of requests) {
      if (amount === 0n) continue;
      const free = this.#free.get(name);
      // Nodes always say what CPU and memory they have; of other resources, silence means none.
      if (free === undefined ? !ALWAYS_TOLD.has(name) : free < amount) return name;
    }
    return undefined;
  }

  #spend(name: string, amount: bigint): void {
    const free = this.#free.get(name);
    if (free !== undefined) this.#free.set(name, free - amount);
  }
}

function amountsOf(allocatable: Allocatable): Requests {
  const before = knownAmounts.get(allocatable);
  if (before !== undefined) return before;
  const amounts = new Map<string, bigint>();
  for (const [name, text] of Object.entries(allocatable)) {
    const amount = parseQuantity(text);
    if (amount !== undefined) amounts.set(name, amount);
  }
  knownAmounts.set(allocatable, amounts);
  return amounts;
}

const ONE_POD = 1_000_000_000n;
const ALWAYS_TOLD: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
