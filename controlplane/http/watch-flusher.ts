// When watchers write. The first events after a pause go out at once; under load all dirty watchers are flushed together
// at a fixed pace, so that one write carries several events (the cost is per write, not per byte).
import type { Clock } from '#platform/clock.ts';

export interface Flushable {
  flush(): void;
}

export class WatchFlusher {
  readonly #clock: Clock;
  readonly #paceMs: number;
  readonly #dirty = new Set<Flushable>();
  #scheduled = false;
  #lastFlush = -Infinity;

  /** @param paceMs longest time an event waits for company */
  constructor(clock: Clock, paceMs: number) {
    this.#clock = clock;
    this.#paceMs = paceMs;
  }

  /** Has `watcher` flushed soon. */
  add(watcher: Flushable): void {
    this.#dirty.add(watcher);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waited = this.#clock.monotonic() - this.#lastFlush;
    if (waited >= this.#paceMs) queueMicrotask(() => this.#flush());
    else this.#clock.schedule(this.#paceMs - waited, () => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const watchers = [...this.#dirty];
    this.#dirty.clear();
    for (const watcher of watchers) watcher.flush();
    // After the work: a flush that takes long must leave the loop to others before the next.
    this.#lastFlush = this.#clock.monotonic();
  }
}
