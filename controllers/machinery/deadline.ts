// A moment after which waiting makes no sense, on a Clock: as an AbortSignal, or as one call, for whoever waits thousands of times.
import type { Clock } from '#platform/clock.ts';
import { ConnectionError } from './request-error.ts';

interface Followers {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

/** All who follow one signal share one listener: one for each costs more than all else about a deadline. */
const followed = new WeakMap<AbortSignal, Followers>();

export class Deadline {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #message: string;
  readonly #caller: AbortSignal | undefined;
  readonly #follow = (): void => this.#end(this.#caller?.reason);
  /** Made when somebody asks for the signal. */
  #controller: AbortController | undefined;
  #over: { readonly reason: unknown } | undefined;
  #onOver: (reason: unknown) => void = () => undefined;
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
    else if (caller !== undefined) follow(caller, this.#follow);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over !== undefined) this.#controller.abort(this.#over.reason);
    }
    return this.#controller.signal;
  }

  /** Why waiting makes no sense any more; undefined while it does. */
  get over(): { readonly reason: unknown } | undefined {
    return this.#over;
  }

  /** Calls back when it is over, unless it is already; whoever asked before is forgotten. Costs less than a listener of the signal. */
  onOver(call: (reason: unknown) => void): void {
    this.#onOver = call;
  }

  /** Begins anew: what was waited for gave a sign of life. Cheap: no timer is touched. */
  extend(): void {
    this.#at = this.#clock.monotonic() + this.#timeoutMs;
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#cancel();
    if (this.#caller !== undefined) unfollow(this.#caller, this.#follow);
  }

  #wait(): void {
    const leftMs = this.#at - this.#clock.monotonic();
    if (leftMs <= 0) this.#end(new ConnectionError(this.#message));
    else this.#cancel = this.#clock.schedule(leftMs, () => this.#wait());
  }

  #end(reason: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = { reason };
    this.#controller?.abort(reason);
    this.#onOver(reason);
  }
}

function follow(signal: AbortSignal, call: () => void): void {
  const known = followed.get(signal);
  if (known !== undefined) {
    known.calls.add(call);
    return;
  }
  const calls = new Set([call]);
  const listener = (): void => {
    followed.delete(signal);
    for (const each of calls) each();
  };
  followed.set(signal, { calls, listener });
  signal.addEventListener('abort', listener, { once: true });
}

function unfollow(signal: AbortSignal, call: () => void): void {
  const known = followed.get(signal);
  if (known?.calls.delete(call) !== true || known.calls.size > 0) return;
  followed.delete(signal);
  signal.removeEventListener('abort', known.listener);
}
