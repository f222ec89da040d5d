// Exponential back-off as a pure function: the caller owns the attempt count and the randomness.

export interface BackoffOptions {
  /** Delay of the first retry, in milliseconds. */
  readonly initialMs: number;
  /** Upper bound of any delay, in milliseconds. */
  readonly maximumMs: number;
  /** Growth from one attempt to the next; 2 by default. */
  readonly factor?: number;
  /** Share of the delay that is random, 0 (none) to 1; 0 by default. */
  readonly jitter?: number;
}

/**
 * Delay in milliseconds before retry number `attempt` (0 is the first).
 *
 * @param random a number in [0, 1), as Math.random gives
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: number): number {
  const grown = options.initialMs * (options.factor ?? 2) ** attempt;
  const capped = Math.min(options.maximumMs, grown);
  const jitter = options.jitter ?? 0;
  return Math.round(capped * (1 - jitter + jitter * random));
}
