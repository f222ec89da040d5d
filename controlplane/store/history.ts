// What happened to a resource lately, bounded by count, bytes and age: what watches resume from and old lists are rebuilt from.
import { expired } from '../api/errors.ts';
import type { Revision, StoreEvent } from './types.ts';

export interface HistoryOptions {
  /** Events kept per resource. */
  readonly maximumEvents: number;
  /** Bytes of objects kept per resource. */
  readonly maximumBytes: number;
  /** Milliseconds after which an event is forgotten, and roughly how much history survives a restart. */
  readonly maximumAgeMs: number;
}

export const defaultHistory: HistoryOptions = {
  maximumEvents: 20_000,
  maximumBytes: 64 << 20,
  maximumAgeMs: 5 * 60_000,
};

interface Entry {
  readonly event: StoreEvent;
  readonly at: number;
}

export class History {
  readonly #options: HistoryOptions;
  /** Those before `#head` are forgotten; cut off when they are half of it. */
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;
  #floor: Revision;

  /** @param floor the revision before which nothing is known */
  constructor(options: HistoryOptions, floor: Revision) {
    this.#options = options;
    this.#floor = floor;
  }

  /** History reaches back to here: changes after this revision are all known. */
  get floor(): Revision {
    return this.#floor;
  }

  /** @param at milliseconds, of the clock that trim() is called with */
  push(event: StoreEvent, at: number): void {
    this.#entries.push({ event, at });
    this.#bytes += event.object.bytes.length;
    this.trim(at);
  }

  /** Forgets what is too old or too much. */
  trim(now: number): void {
    const { maximumEvents, maximumBytes, maximumAgeMs } = this.#options;
    for (;;) {
      const oldest = this.#entries[this.#head];
      if (oldest === undefined) break;
      const isTooMuch =
        this.#entries.length - this.#head > maximumEvents || this.#bytes > maximumBytes;
      if (!isTooMuch && now - oldest.at <= maximumAgeMs) break;
      this.#floor = oldest.event.revision;
      this.#bytes -= oldest.event.object.bytes.length;
      this.#head += 1;
    }
    if (this.#head > 1_000 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /**
   * Events after `revision`, oldest first.
   *
   * @throws ApiError Expired when they are no longer all known
   */
  since(revision: Revision): StoreEvent[] {
    if (revision < this.#floor) {
      throw expired(`too old resource version: ${revision} (${this.#floor})`);
    }
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.event.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low).map(({ event }) => event);
  }
}
