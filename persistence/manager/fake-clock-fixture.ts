// A clock whose hands the test turns. Between two timers everything that can happen without waiting happens.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '#platform/clock.ts';

export class FakeClock implements Clock {
  #now = 1_000_000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Fires what is due within so many milliseconds, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#timers
        .filter(({ at }) => at <= end)
        .toSorted((left, right) => left.at - right.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settled();
    }
    this.#now = end;
  }
}

/** Everything that needs no timer has happened. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await turn();
}
