// Waits for something that another process does. For integration and end-to-end tests only: a unit test turns the clock itself.
// Between two looks it waits longer than a look takes, so that it never keeps a processor busy that others need to get there.
import { setTimeout as delay } from 'node:timers/promises';

const SHORTEST_MS = 50;
const LONGEST_MS = 1_000;
/** A look that starts a program takes a processor, and the server, for as long as it takes. */
const PATIENCE = 2;

/** Repeats `check` until it returns without throwing. Rejects with its last error after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 100_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const began = performance.now();
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`Not within ${timeoutMs / 1000} s: ${what}: ${why}`, { cause: error });
      }
      const took = performance.now() - began;
      await delay(Math.min(Math.max(PATIENCE * took, SHORTEST_MS), LONGEST_MS));
    }
  }
}
