// Waiting for something that the other side does at its pace: what ends it is told apart.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { InfrastructureError } from './errors.ts';

/** It did not come to be in time. That a caller gave up is the caller's reason, and an error of the question is that error. */
export class WaitTimedOut extends InfrastructureError {
  override readonly reason = 'WaitTimedOut';
  override readonly name = 'WaitTimedOut';

  constructor(what: string, timeoutMs: number, last: string) {
    super(`${what}: timed out after ${timeoutMs / 1000} s${last === '' ? '' : `; it was ${last}`}`);
  }
}

export interface WaitOptions {
  /** For the message: `cluster dev is ready`. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Between two questions. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Asks until the answer is true; any other answer is what is the matter, for the message.
 *
 * @throws WaitTimedOut; what `ask` throws, as it is; the signal's reason
 */
export async function waitUntil(
  { what, timeoutMs, pollMs, clock, signal }: WaitOptions,
  ask: () => Promise<true | string>,
): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer === true) return;
    if (clock.monotonic() >= deadline) throw new WaitTimedOut(what, timeoutMs, answer);
    await sleep(clock, Math.min(pollMs, deadline - clock.monotonic()), signal);
  }
}
