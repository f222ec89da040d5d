// Tries again what may go better next time: full jitter between attempts (whoever failed together does not come back together),
// a deadline for each attempt and one for all. Both grow with the bytes that travel. An attempt that could not have its whole time is
// not begun: cut short it would hide what the store said before, and leave open whether it wrote.
import { backoffMs } from '#platform/backoff.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { AttemptTimeoutError } from './answer.ts';

export interface Pace {
  readonly clock: Clock;
  /** A number in [0, 1), as Math.random gives. */
  readonly random: () => number;
  /** Of one attempt, in milliseconds. */
  readonly attemptMs: number;
  /** From the first attempt to the last answer, in milliseconds. */
  readonly totalMs: number;
}

/** What an attempt is given. */
export interface Attempt {
  /** Aborts at the attempt's deadline; by then nobody waits for its result any more. */
  readonly signal: AbortSignal;
  /** 0 for the first. */
  readonly number: number;
  /** Makes room in time for so many bytes. */
  readonly allow: (bytes: number) => void;
}

/** Slower than this is as good as down: 1 MiB/s. */
const BYTES_PER_MS = 1_049;
const BACKOFF = { initialMs: 50, maximumMs: 2_000, jitter: 1 };

/**
 * Runs `attempt` until it succeeds, fails for good, or time is up.
 *
 * @param isPassing whether the error may not come back
 * @throws the last attempt's error
 */
export async function withAttempts<T>(
  pace: Pace,
  attempt: (attempt: Attempt) => Promise<T>,
  isPassing: (error: unknown) => boolean,
): Promise<T> {
  const { clock, random } = pace;
  const attemptMs = Math.min(pace.attemptMs, pace.totalMs);
  const start = clock.monotonic();
  let longest = pace.totalMs;
  for (let number = 0; ; number += 1) {
    const timer = new AttemptTimer(clock, attemptMs);
    const allow = (bytes: number): void => {
      timer.extend(bytes / BYTES_PER_MS);
      // Once, however often they travel.
      longest = Math.max(longest, pace.totalMs + bytes / BYTES_PER_MS);
    };
    try {
      return await timer.race(attempt({ signal: timer.signal, number, allow }));
    } catch (error) {
      const wait = backoffMs(number, BACKOFF, random());
      const ends = clock.monotonic() + wait + attemptMs;
      if (!isPassing(error) || ends > start + longest) throw error;
      await sleep(clock, wait);
    } finally {
      timer.stop();
    }
  }
}

/** One attempt's deadline, which holds also for what does not heed the signal. */
class AttemptTimer {
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #late = Promise.withResolvers<never>();
  readonly #start: number;
  #milliseconds: number;
  #cancel: () => void;

  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock;
    this.#start = clock.monotonic();
    this.#milliseconds = milliseconds;
    this.#cancel = this.#schedule();
    // Nobody listens once the attempt is over.
    this.#late.promise.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  race<T>(running: Promise<T>): Promise<T> {
    return Promise.race([running, this.#late.promise]);
  }

  extend(milliseconds: number): void {
    this.#milliseconds += milliseconds;
    this.#cancel();
    this.#cancel = this.#schedule();
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(): () => void {
    const left = this.#start + this.#milliseconds - this.#clock.monotonic();
    return this.#clock.schedule(Math.max(left, 0), () => {
      const error = new AttemptTimeoutError(this.#milliseconds);
      this.#late.reject(error);
      this.#controller.abort(error);
    });
  }
}
