// Chooses the instance that gets the next request: the fewest requests under way, in turn among equals. One that could not be
// reached is left alone for a while, longer each time, unless there is no other.

/** What the choice needs to know of an instance; kept by whoever sends. */
export interface Load {
  /** Requests and streams under way. */
  active: number;
  /** Failures to connect since the last success. */
  failures: number;
  /** On the monotonic clock, milliseconds. */
  skippedUntil: number;
}

const FIRST_SKIP_MS = 500;
const LONGEST_SKIP_MS = 30_000;

export function noteFailure(load: Load, now: number): void {
  load.skippedUntil =
    now + Math.min(LONGEST_SKIP_MS, FIRST_SKIP_MS * 2 ** Math.min(load.failures, 10));
  load.failures += 1;
}

export function noteSuccess(load: Load): void {
  load.failures = 0;
  load.skippedUntil = 0;
}

/** Takes turns from where it was left. */
export class Balancer {
  #turn = 0;

  /** undefined when there are none. @param isAgain for a second try, which must not shift the turns of the first ones */
  choose<T extends Load>(candidates: readonly T[], now: number, isAgain = false): T | undefined {
    const usable = candidates.filter(({ skippedUntil }) => skippedUntil <= now);
    const among = usable.length > 0 ? usable : candidates;
    const start = this.#turn % Math.max(1, among.length);
    if (!isAgain) this.#turn += 1;
    let best: T | undefined;
    for (let index = 0; index < among.length; index += 1) {
      const load = among[(start + index) % among.length];
      if (load !== undefined && (best === undefined || load.active < best.active)) best = load;
    }
    return best;
  }
}
