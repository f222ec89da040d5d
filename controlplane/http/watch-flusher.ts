// When watchers write. The first events after a pause go out at once; under load all dirty watchers are flushed together
// at a fixed pace, so that one write carries several events (the cost is per write, not per byte).
import type { Clock } from '#platform/clock.ts';

/** Longest time an event waits for company. */
const PACE_MS = 5;

export interface Flushable {
  flush(): void;
}

export class WatchFlusher {
  readonly #clock: Clock;
  readonly #dirty = new Set<Flushable>();
  #scheduled = false;
  #lastFlush = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `watcher` flushed soon. */
  add(watcher: Flushable): void {
    this.#dirty.add(watcher);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waited = this.#clock.monotonic() - this.#lastFlush;
    if (waited >= PACE_MS) queueMicrotask(() => this.#flush());
    else this.#clock.schedule(PACE_MS - waited, () => this.#flush());
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
