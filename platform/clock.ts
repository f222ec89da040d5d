// Time as a dependency. Everything that waits or stamps takes a Clock, so that tests turn the hands themselves.

/** Where a component gets the time from and how it waits. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  monotonic(): number;
  /** Calls `callback` once after `delayMs`. Aborting the returned controller's signal is not needed: call the returned function to cancel. */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** The machine's own clock. Timers made by it do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, callback) {
    // Node fires timers above 2^31-1 ms at once; the longest wait we ever ask for is far below.
    const timer = setTimeout(callback, Math.min(delayMs, 2_147_483_647));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `delayMs` on `clock`, or rejects with the signal's reason as soon as it aborts.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
