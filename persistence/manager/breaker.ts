// A circuit breaker per instance: after a few failures in a row, or many of many, nobody waits for it any more; now and then one
// attempt finds out whether it is back.
import { backoffMs } from '#platform/backoff.ts';
import type { BackoffOptions } from '#platform/backoff.ts';
import type { Clock } from '#platform/clock.ts';

const FAILURES_IN_A_ROW = 3;
const WINDOW_MS = 30_000;
const WINDOW_MINIMUM = 10;
const PROBES: BackoffOptions = { initialMs: 5_000, maximumMs: 60_000, jitter: 0.3 };

export class Breaker {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #probes: BackoffOptions;
  #outcomes: { readonly at: number; readonly failed: boolean }[] = [];
  #inARow = 0;
  #openings = 0;
  #probeAt: number | undefined;

  /** @param random numbers in [0, 1) */
  constructor(clock: Clock, random: () => number, probes = PROBES) {
    this.#clock = clock;
    this.#random = random;
    this.#probes = probes;
  }

  /** True: do not try, except by the probe that is due. */
  get isOpen(): boolean {
    return this.#probeAt !== undefined;
  }

  /** Milliseconds until the next attempt is allowed; 0 while closed. */
  get waitMs(): number {
    return this.#probeAt === undefined ? 0 : Math.max(0, this.#probeAt - this.#clock.monotonic());
  }

  succeeded(): void {
    this.#inARow = 0;
    this.#note(false);
    if (this.#probeAt === undefined) return;
    this.#probeAt = undefined;
    this.#openings = 0;
    this.#outcomes = [];
  }

  failed(): void {
    this.#inARow += 1;
    this.#note(true);
    if (this.#probeAt !== undefined || this.#inARow >= FAILURES_IN_A_ROW || this.#isMostlyFailing())
      this.#open();
  }

  /** Opens at once: the caller knows that trying soon is no use. */
  trip(): void {
    this.#open();
  }

  #open(): void {
    const delay = backoffMs(this.#openings, this.#probes, this.#random());
    this.#openings += 1;
    this.#probeAt = this.#clock.monotonic() + delay;
  }

  #note(failed: boolean): void {
    const at = this.#clock.monotonic();
    this.#outcomes.push({ at, failed });
    // Bounded also when thousands of batches pass in the window.
    if (this.#outcomes.length > 1_000) this.#outcomes.splice(0, 500);
  }

  #isMostlyFailing(): boolean {
    const since = this.#clock.monotonic() - WINDOW_MS;
    this.#outcomes = this.#outcomes.filter(({ at }) => at >= since);
    const failures = this.#outcomes.filter(({ failed }) => failed).length;
    return this.#outcomes.length >= WINDOW_MINIMUM && failures * 2 > this.#outcomes.length;
  }
}
