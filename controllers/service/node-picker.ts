// The next node for an instance: the domain and then the node with the fewest, among equals the first by name; nodes where it cannot
// start at once come last. A heap per domain, so that thousands of instances are spread over thousands of nodes in one pass. Pure.
import type { V1TopologySpreadConstraint } from '@kubernetes/client-node';
import type { NodeFacts } from '../machinery/node-fit.ts';

export interface PickerOptions {
  /** In order of name. */
  readonly nodes: readonly NodeFacts[];
  readonly constraints: readonly V1TopologySpreadConstraint[];
  readonly loadOf: (node: string) => number;
  /** Something stands in the way there for now. */
  readonly isBlocked: (node: string) => boolean;
}

interface Entry {
  readonly load: number;
  readonly index: number;
}

/** A set of nodes with the same value for each topology key. */
interface Domain {
  readonly counters: readonly { count: number }[];
  readonly heap: Entry[];
}

/** More than anybody runs on one node. */
const BLOCKED = 1_000_000_000;

export class NodePicker {
  readonly #options: PickerOptions;
  readonly #domains: readonly Domain[];
  readonly #domainOf = new Map<string, Domain>();

  constructor(options: PickerOptions) {
    this.#options = options;
    const { nodes, constraints } = options;
    // A heap spreads over single nodes anyway.
    const keys = constraints
      .map(({ topologyKey }) => topologyKey)
      .filter((key) => key !== 'kubernetes.io/hostname');
    const counters = new Map<string, { count: number }>();
    const domains = new Map<string, Domain>();
    for (const [index, node] of nodes.entries()) {
      const values = keys.map((key) => `${key}=${node.labels[key] ?? ''}`);
      const name = values.join('\n');
      let domain = domains.get(name);
      if (domain === undefined) {
        domain = { counters: values.map((value) => counterOf(counters, value)), heap: [] };
        domains.set(name, domain);
      }
      this.#domainOf.set(node.name, domain);
      domain.heap.push({ load: this.#rank(node.name), index });
      const load = options.loadOf(node.name);
      for (const counter of domain.counters) counter.count += load;
    }
    this.#domains = [...domains.values()];
    for (const { heap } of this.#domains) heap.sort(compare);
  }

  /** The best node, which is not taken yet; `undefined` when there is none. */
  peek(): string | undefined {
    let best: { readonly domain: Domain; readonly entry: Entry } | undefined;
    for (const domain of this.#domains) {
      const entry = this.#top(domain);
      if (entry === undefined) continue;
      if (best === undefined || precedes({ domain, entry }, best)) best = { domain, entry };
    }
    return best === undefined ? undefined : this.#options.nodes[best.entry.index]?.name;
  }

  /** To be called after loadOf() of a node has grown by `added`. */
  touch(node: string, added: number): void {
    for (const counter of this.#domainOf.get(node)?.counters ?? []) counter.count += added;
  }

  #rank(node: string): number {
    return this.#options.loadOf(node) + (this.#options.isBlocked(node) ? BLOCKED : 0);
  }

  /** Entries whose load is out of date sink to where they belong first. */
  #top({ heap }: Domain): Entry | undefined {
    for (;;) {
      const [top] = heap;
      if (top === undefined) return undefined;
      const load = this.#rank(this.#options.nodes[top.index]?.name ?? '');
      if (load <= top.load) return top;
      sink(heap, { load, index: top.index });
    }
  }
}

function counterOf(counters: Map<string, { count: number }>, value: string): { count: number } {
  const counter = counters.get(value) ?? { count: 0 };
  counters.set(value, counter);
  return counter;
}

type Choice = { readonly domain: Domain; readonly entry: Entry };

function precedes(a: Choice, b: Choice): boolean {
  // What cannot start at once comes last, however empty its domain is.
  const blocked = Number(a.entry.load >= BLOCKED) - Number(b.entry.load >= BLOCKED);
  if (blocked !== 0) return blocked < 0;
  for (const [index, { count }] of a.domain.counters.entries()) {
    const difference = count - (b.domain.counters[index]?.count ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return compare(a.entry, b.entry) < 0;
}

function compare(a: Entry, b: Entry): number {
  return a.load - b.load || a.index - b.index;
}

/** Puts `entry` in the place of the top of a heap, and lets it sink. */
function sink(heap: Entry[], entry: Entry): void {
  let at = 0;
  for (;;) {
    let least = at;
    let smallest = entry;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const candidate = heap[child];
      if (candidate !== undefined && compare(candidate, smallest) < 0) {
        least = child;
        smallest = candidate;
      }
    }
    heap[at] = smallest;
    if (least === at) return;
    at = least;
  }
}
