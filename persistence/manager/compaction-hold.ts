// How far the primary's history may be forgotten while replicas still read it. Pure.

/** A replica that may still need history. */
export interface HistoryReader {
  readonly revision: number;
  /** How long it has lacked something, in milliseconds; 0 when it lacks nothing. */
  readonly behindMs: number;
}

/** Longer than this the primary waits for nobody: whoever is further behind gets a copy of the whole. */
export const HOLD_MS = 72 * 3_600_000;

/** The revision up to which history may go, at most `through`. */
export function compactableThrough(through: number, readers: readonly HistoryReader[]): number {
  return readers
    .filter(({ behindMs }) => behindMs <= HOLD_MS)
    .reduce((least, { revision }) => Math.min(least, revision), through);
}
