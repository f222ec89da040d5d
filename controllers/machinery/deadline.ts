// A moment after which waiting makes no sense, as an AbortSignal on a Clock.
import type { Clock } from '#platform/clock.ts';
import { ConnectionError } from './request-error.ts';

export class Deadline {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #message: string;
  readonly #controller = new AbortController();
  #at: number;
  #cancel: () => void = () => undefined;

  /** @param message of the ConnectionError that the signal aborts with, `timeoutMs` from now */
  constructor(clock: Clock, timeoutMs: number, message: string) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#message = message;
    this.#at = clock.monotonic() + timeoutMs;
    this.#wait();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins anew: what was waited for gave a sign of life. Cheap: no timer is touched. */
  extend(): void {
    this.#at = this.#clock.monotonic() + this.#timeoutMs;
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#cancel();
  }

  #wait(): void {
    const leftMs = this.#at - this.#clock.monotonic();
    if (leftMs <= 0) this.#controller.abort(new ConnectionError(this.#message));
    else this.#cancel = this.#clock.schedule(leftMs, () => this.#wait());
  }
}
