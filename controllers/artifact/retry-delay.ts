// How long an Artifact that could not be brought is left alone. Pure.
import { backoffMs } from '#platform/backoff.ts';

const BACKOFF = { initialMs: 5_000, maximumMs: 10 * 60_000, jitter: 0.3 };
/** Whatever a server asks for: it may be mistaken, and nobody would look again for years. */
const LONGEST_PAUSE_MS = 3600_000;

/**
 * @param failures those before this one, in a row
 * @param pauseMs what the servers asked for
 * @param random 0 up to 1
 */
export function retryDelay(failures: number, pauseMs: number | undefined, random: number): number {
  return Math.max(backoffMs(failures, BACKOFF, random), Math.min(pauseMs ?? 0, LONGEST_PAUSE_MS));
}
