// A server of a page that does what ours promises, or one thing less: what the checks must find is planted here.
import type { Action, Outcome, Version, WatchEvent, WatchLog } from './history.ts';
import type { Target } from './workload.ts';

/** Each is a promise that is not kept, seldom enough that most of a history is fine. */
export const BUGS = [
  'acknowledges before it is durable',
  'ignores the expected revision',
  'creates what is there',
  'refuses what it should do',
  'reads what is old',
  'lists what is old',
  'shows what is not durable',
  'starts again at an old revision',
  'gives one revision to two writes',
  'drops an event',
  'repeats an event',
  'swaps two events',
  'says ADDED of what is there',
] as const;
export type Bug = (typeof BUGS)[number];

interface Change {
  readonly event: WatchEvent;
  readonly before: Version | undefined;
}

const RARELY = 0.04;

export class SimulatedServer implements Target {
  readonly #random: () => number;
  readonly #bug: Bug | undefined;
  readonly #state = new Map<string, Version>();
  readonly #log: Change[] = [];
  readonly #events: WatchEvent[] = [];
  #revision = 0;
  #run = 0;

  constructor(random: () => number, bug?: Bug) {
    this.#random = random;
    this.#bug = bug;
  }

  async perform(action: Action): Promise<Outcome> {
    const run = this.#run;
    await this.#pause();
    if (run !== this.#run) return { result: 'unknown' };
    const outcome = this.#apply(action);
    await this.#pause();
    // What is durable stays, but nobody was told.
    return run === this.#run ? outcome : { result: 'unknown' };
  }

  async list(): Promise<{ revision: number; items: ReadonlyMap<string, Version> } | undefined> {
    const run = this.#run;
    await this.#pause();
    const items = new Map(this.#state);
    const old = this.#log.at(-1);
    if (this.#has('lists what is old', 0.5) && old?.before !== undefined)
      items.set(old.event.key, old.before);
    const revision = this.#revision;
    await this.#pause();
    return run === this.#run ? { revision, items } : undefined;
  }

  /** kill -9 and a new start. */
  crash(): void {
    this.#run += 1;
    const loses =
      this.#bug === 'acknowledges before it is durable' ||
      this.#bug === 'shows what is not durable';
    if (loses) for (let lost = 0; lost < 3; lost += 1) this.#undo();
    if (this.#bug === 'starts again at an old revision')
      this.#revision = Math.max(0, this.#revision - 3);
  }

  watchLog(): WatchLog {
    return { since: 0, startsEmpty: true, events: this.#events, through: this.#revision };
  }

  #apply(action: Action): Outcome {
    const { key } = action;
    const found = this.#state.get(key);
    if (action.verb === 'get') {
      const old = this.#log.findLast(({ event }) => event.key === key)?.before;
      if (this.#has('reads what is old', 0.3) && old !== undefined)
        return { result: 'found', ...old };
      return found === undefined ? { result: 'absent' } : { result: 'found', ...found };
    }
    const isAllowed =
      action.verb === 'create'
        ? found === undefined || this.#has('creates what is there', 0.3)
        : found !== undefined &&
          (found.revision === action.expected || this.#has('ignores the expected revision', 0.3));
    if (!isAllowed || this.#has('refuses what it should do')) return { result: 'refused' };
    if (!this.#has('gives one revision to two writes')) this.#revision += 1;
    if (action.verb === 'delete') {
      this.#state.delete(key);
      this.#record('DELETED', key, found?.value ?? '', found);
      return { result: 'deleted' };
    }
    this.#state.set(key, { revision: this.#revision, value: action.value });
    const isAdded = found === undefined || this.#has('says ADDED of what is there');
    this.#record(isAdded ? 'ADDED' : 'MODIFIED', key, action.value, found);
    return this.#bug === 'shows what is not durable' && this.#random() < 0.3
      ? { result: 'unknown' }
      : { result: 'written', revision: this.#revision };
  }

  #record(type: WatchEvent['type'], key: string, value: string, before: Version | undefined): void {
    const event: WatchEvent = { type, key, value, revision: this.#revision };
    this.#log.push({ event, before });
    if (this.#has('drops an event')) return;
    this.#events.push(event);
    if (this.#has('repeats an event')) this.#events.push(event);
    if (this.#has('swaps two events')) this.#events.push(...this.#events.splice(-2).toReversed());
  }

  /** Of the newest change, without a trace but in what clients and watchers were told. */
  #undo(): void {
    const change = this.#log.pop();
    if (change === undefined) return;
    if (change.before === undefined) this.#state.delete(change.event.key);
    else this.#state.set(change.event.key, change.before);
  }

  #has(bug: Bug, chance = RARELY): boolean {
    return this.#bug === bug && this.#random() < chance;
  }

  async #pause(): Promise<void> {
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns -= 1) await Promise.resolve();
  }
}
