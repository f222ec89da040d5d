// The requests being answered: ends those whose time is over, and lets the server wait for the rest when it stops.
// One sweep a second over the set costs less than a timer for each request.
import { ApiError } from '../api/errors.ts';
import type { Clock } from '#platform/clock.ts';

import type { RequestContext } from './context.ts';

const SWEEP_INTERVAL_MS = 1000;

export class InFlightRequests {
  readonly #contexts = new Set<RequestContext>();
  readonly #clock: Clock;
  readonly #onTimeout: (context: RequestContext, error: ApiError) => void;
  #cancelSweep: (() => void) | undefined;
  #onEmpty: (() => void) | undefined;

  /** @param onTimeout answers the request; its signal has aborted by then */
  constructor(clock: Clock, onTimeout: (context: RequestContext, error: ApiError) => void) {
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#contexts.size;
  }

  add(context: RequestContext): void {
    this.#contexts.add(context);
    this.#cancelSweep ??= this.#clock.schedule(SWEEP_INTERVAL_MS, () => this.#sweep());
  }

  remove(context: RequestContext): void {
    this.#contexts.delete(context);
    if (this.#contexts.size > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#onEmpty?.();
  }

  /** Ends watches and other long answers now, and resolves when the others are done or after `graceMs`. */
  drain(graceMs: number): Promise<void> {
    for (const context of this.#contexts) context.onDrain?.();
    if (this.#contexts.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(graceMs, resolve);
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const context of this.#contexts) {
      if (context.isLongRunning || now - context.startedAt < context.timeoutMs) continue;
      const error = new ApiError(
        504,
        'Timeout',
        `Timeout: request did not complete within requested timeout - context deadline exceeded`,
        { details: {} },
      );
      context.abort(error);
      this.#onTimeout(context, error);
    }
    this.#cancelSweep =
      this.#contexts.size === 0
        ? undefined
        : this.#clock.schedule(SWEEP_INTERVAL_MS, () => this.#sweep());
  }
}
