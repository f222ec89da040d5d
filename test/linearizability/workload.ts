// Clients that create, update, delete, read and list a handful of objects at once, as chance has it, and write down what they were told.
import type { Action, History, Listing, Operation, Outcome, Version, WatchLog } from './history.ts';

/** What is tested: a server, real or planted with bugs. */
export interface Target {
  /** Never rejects: what is not answered is unknown. */
  perform(action: Action): Promise<Outcome>;
  /** undefined when there was no answer. */
  list(): Promise<
    { readonly revision: number; readonly items: ReadonlyMap<string, Version> } | undefined
  >;
}

export interface WorkloadSettings {
  readonly clients: number;
  readonly keys: number;
  readonly random: () => number;
}

export class Workload {
  readonly #target: Target;
  readonly #settings: WorkloadSettings;
  readonly #operations: Operation[] = [];
  readonly #listings: Listing[] = [];
  /** The newest version that somebody was told of, as a client remembers it. */
  readonly #known = new Map<string, number>();
  #tick = 0;
  #values = 0;

  constructor(target: Target, settings: WorkloadSettings) {
    this.#target = target;
    this.#settings = settings;
  }

  get acknowledged(): number {
    return this.#operations.filter(({ outcome }) => outcome.result === 'written').length;
  }

  /** Each client does so many things, one after the other, or stops as soon as `signal` says so. */
  async run(turns: number, signal = new AbortController().signal): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    await Promise.all(
      Array.from({ length: this.#settings.clients }, async () => {
        for (let turn = 0; turn < turns && !isOver(); turn += 1) await this.#turn();
      }),
    );
  }

  history(watches: readonly WatchLog[]): History {
    return { operations: this.#operations, listings: this.#listings, watches };
  }

  async #turn(): Promise<void> {
    const { random, keys } = this.#settings;
    if (random() < 0.08) return this.#list();
    const begin = this.#tick++;
    const action = this.#choose(`k${Math.floor(random() * keys)}`);
    const outcome = await this.#target.perform(action);
    const isUnknown = outcome.result === 'unknown';
    // A read that nobody answered says nothing.
    if (isUnknown && action.verb === 'get') return;
    const end = isUnknown ? Infinity : this.#tick++;
    this.#operations.push({ action, outcome, begin, end });
    if (outcome.result === 'written' || outcome.result === 'found')
      this.#known.set(action.key, outcome.revision);
    else if (outcome.result !== 'refused') this.#known.delete(action.key);
  }

  #choose(key: string): Action {
    const { random } = this.#settings;
    const chance = random();
    const known = this.#known.get(key);
    if (chance < 0.3) return { verb: 'get', key };
    if (known === undefined || chance < 0.35) return { verb: 'create', key, value: this.#value() };
    // Now and then with a revision that was never the object's.
    const expected = random() < 0.1 ? known - 1 : known;
    if (chance < 0.5) return { verb: 'delete', key, expected };
    return { verb: 'update', key, value: this.#value(), expected };
  }

  #value(): string {
    return `v${this.#values++}`;
  }

  async #list(): Promise<void> {
    const begin = this.#tick++;
    const listed = await this.#target.list();
    if (listed !== undefined) this.#listings.push({ ...listed, begin, end: this.#tick++ });
  }
}
