// Waits for something that another process does. For integration and end-to-end tests only: a unit test turns the clock itself.
import { setTimeout as delay } from 'node:timers/promises';

/** Repeats `check` until it returns without throwing. Rejects with its last error after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`Not within ${timeoutMs / 1000} s: ${what}: ${why}`, { cause: error });
      }
      await delay(50);
    }
  }
}
