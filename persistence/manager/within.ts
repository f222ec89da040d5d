// Waiting for what may hang, for so long and no longer.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';

/** Resolves when `work` has ended, whatever its end, or after so many milliseconds: with whether it has ended. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(clock, ms, over.signal).then(
    () => false,
    () => true,
  );
  const ended = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([ended, late]);
  over.abort();
  return inTime;
}
