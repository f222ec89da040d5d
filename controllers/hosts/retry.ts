// Tries something again that may work later, up to a time; what will never work is not tried again.
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { backoffMs } from '#platform/backoff.ts';
import { HostUnreachableError } from './host-errors.ts';

export interface RetryOptions {
  /** Ends it at once: what `work` was told to do is aborted, and nothing more is tried. A deadline of the caller is such a signal. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** No try begins later than this after the first; default two minutes. */
  readonly timeoutMs?: number;
  /** Before the second try; default one second, doubled up to fifteen. */
  readonly intervalMs?: number;
  /** In [0, 1): spreads tries of many; default none. */
  readonly random?: () => number;
  /** Whether another try makes sense; by default after HostUnreachableError only. */
  readonly isTransient?: (error: unknown) => boolean;
}

/**
 * @returns what the first try that succeeds does
 * @throws the last error when time is over or it will not go away, the signal's reason when that aborts
 */
export async function retry<T>(
  work: (signal: AbortSignal, attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { signal, clock, timeoutMs = 120_000, intervalMs = 1_000, random = () => 0 } = options;
  const { isTransient = (error) => error instanceof HostUnreachableError } = options;
  const end = clock.monotonic() + timeoutMs;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work(signal, attempt);
    } catch (error) {
      signal.throwIfAborted();
      const jitter = options.random === undefined ? 0 : 0.5;
      const backoff = { initialMs: intervalMs, maximumMs: Math.max(intervalMs, 15_000), jitter };
      const waitMs = backoffMs(attempt - 1, backoff, random());
      if (!isTransient(error) || clock.monotonic() + waitMs > end) throw error;
      await sleep(clock, waitMs, signal);
    }
  }
}
