// Which instances of which Service may be sent to now: the one table that ingress and service names route by. Instances of this
// machine come from the Pod workers, those of other machines from further sources; an instance that is about to stop is out of the
// table before anything else happens to it.
import type { Socket } from 'node:net';
import type { Endpoint } from '../runtimes/runtime.ts';

/** An instance that is ready. Compared by `podUID`. */
export interface ServiceInstance {
  readonly podUID: string;
  readonly pod: string;
  readonly namespace: string;
  readonly service: string;
  /** Hash of its revision; '' when it has none. */
  readonly revision: string;
  readonly node: string;
  /** Where a container port (number or name) is reached from here without further ado; undefined on other machines, and for a port that it does not have. */
  address(port: number | string): Endpoint | undefined;
  /**
   * A connection to a container port. Rejects when there is none to be had, with nothing sent: the caller may try another
   * instance whatever it wants to say. A source for another machine answers so, too, once the instance drains there.
   */
  connect(port: number | string, timeoutMs: number): Promise<Socket>;
}

/** Knows ready instances: those of this machine, or those of others. */
export interface InstanceSource {
  /** All that are ready, of all Services, of whatever revision. */
  ready(): Iterable<ServiceInstance>;
}

/** Ends what a proxy has under way with an instance. Resolves when nothing is left, at the latest after `limitMs`. */
export type Drainer = (podUID: string, limitMs: number) => Promise<void>;

export interface EndpointTableOptions {
  /** status.activeRevision: only instances of that revision are led to. undefined: all of them. */
  readonly activeRevision: (namespace: string, service: string) => string | undefined;
}

export class EndpointTable {
  readonly #options: EndpointTableOptions;
  readonly #sources: InstanceSource[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #drainers = new Set<Drainer>();
  #ready = new Map<string, readonly ServiceInstance[]>();

  constructor(options: EndpointTableOptions) {
    this.#options = options;
  }

  /** From now on its instances count, too. Call changed() whenever they may be others. */
  addSource(source: InstanceSource): void {
    this.#sources.push(source);
    this.changed();
  }

  /** Those that ingress and names lead to, in a stable order. The same array as long as nothing changes. */
  ready(namespace: string, service: string): readonly ServiceInstance[] {
    return this.#ready.get(`${namespace}/${service}`) ?? NONE;
  }

  /** Looks at all sources again, and tells the listeners when something is different. */
  changed(): void {
    const next = this.#collect();
    if (isSame(this.#ready, next)) return;
    this.#ready = next;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each difference. Returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Every proxy on this machine registers here how it lets go of an instance. */
  onDrain(drainer: Drainer): () => void {
    this.#drainers.add(drainer);
    return () => void this.#drainers.delete(drainer);
  }

  /**
   * Before an instance of this machine is stopped: all proxies finish with it. Whoever comes over the network is served by a proxy of
   * this machine, so this covers the other machines too: a new connection is refused, which sends them elsewhere.
   */
  async drain(podUID: string, limitMs: number): Promise<void> {
    this.changed();
    await Promise.all([...this.#drainers].map((drainer) => drainer(podUID, limitMs)));
  }

  #collect(): Map<string, readonly ServiceInstance[]> {
    const found = new Map<string, ServiceInstance[]>();
    for (const source of this.#sources) {
      for (const instance of source.ready()) {
        const { namespace, service, revision } = instance;
        const active = this.#options.activeRevision(namespace, service);
        if (active !== undefined && active !== revision) continue;
        const key = `${namespace}/${service}`;
        const others = found.get(key);
        if (others === undefined) found.set(key, [instance]);
        else others.push(instance);
      }
    }
    for (const instances of found.values())
      instances.sort((a, b) => (a.podUID < b.podUID ? -1 : a.podUID > b.podUID ? 1 : 0));
    return found;
  }
}

const NONE: readonly ServiceInstance[] = [];

function isSame(
  before: ReadonlyMap<string, readonly ServiceInstance[]>,
  after: ReadonlyMap<string, readonly ServiceInstance[]>,
): boolean {
  if (before.size !== after.size) return false;
  for (const [key, instances] of after) {
    const known = before.get(key);
    if (known?.length !== instances.length) return false;
    if (instances.some((instance, index) => known[index] !== instance)) return false;
  }
  return true;
}
