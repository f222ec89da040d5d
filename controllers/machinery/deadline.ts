// A moment after which waiting makes no sense, as an AbortSignal on a Clock.
import type { Clock } from '#platform/clock.ts';
import { ConnectionError } from './request-error.ts';

export class Deadline {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #message: string;
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #follow = (): void => this.#controller.abort(this.#caller?.reason);
  #at: number;
  #cancel: () => void = () => undefined;

  /**
   * @param message of the ConnectionError that the signal aborts with, `timeoutMs` from now
   * @param caller whoever may give up before: the signal follows it until end(), for less than AbortSignal.any() of both costs
   */
  constructor(clock: Clock, timeoutMs: number, message: string, caller?: AbortSignal) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#message = message;
    this.#caller = caller;
    this.#at = clock.monotonic() + timeoutMs;
    this.#wait();
    if (caller?.aborted === true) this.#follow();
    else caller?.addEventListener('abort', this.#follow, { once: true });
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
    this.#caller?.removeEventListener('abort', this.#follow);
  }

  #wait(): void {
    const leftMs = this.#at - this.#clock.monotonic();
    if (leftMs <= 0) this.#controller.abort(new ConnectionError(this.#message));
    else this.#cancel = this.#clock.schedule(leftMs, () => this.#wait());
  }
}
