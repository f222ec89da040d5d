// A clock that runs many times as fast as the machine's: waits of seconds end in milliseconds, in the order they would.
import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';

export function scaledClock(factor: number): Clock {
  const started = Date.now();
  return {
    now: () => started + (Date.now() - started) * factor,
    monotonic: () => systemClock.monotonic() * factor,
    schedule: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs / factor);
      return () => clearTimeout(timer);
    },
  };
}
