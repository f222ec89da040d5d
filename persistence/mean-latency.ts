// The mean over the recent past: each sample loses weight exponentially with age, so an old outage fades within minutes.
import type { Clock } from '#platform/clock.ts';

const HALF_LIFE_MS = 60_000;

/** Mean of samples in seconds, weighted by age (a minute halves the weight). 0 before the first sample. */
export class MeanLatency {
  readonly #clock: Clock;
  #sum = 0;
  #weight = 0;
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.monotonic();
  }

  add(seconds: number): void {
    const now = this.#clock.monotonic();
    const decay = 0.5 ** (Math.max(0, now - this.#lastMs) / HALF_LIFE_MS);
    this.#lastMs = now;
    this.#sum = this.#sum * decay + seconds;
    this.#weight = this.#weight * decay + 1;
  }

  get seconds(): number {
    return this.#weight === 0 ? 0 : this.#sum / this.#weight;
  }
}
