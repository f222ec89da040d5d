// How two logs relate, decided from their claims. Pure.
import type { Claim } from './claim.ts';

/** What is known of a log without reading its data. `claims` oldest first. */
export interface LogHead {
  readonly claims: readonly Claim[];
  readonly revision: number;
}

/**
 * - `Empty`: nothing was ever written
 * - `Prefix`: all that it holds is what the source holds up to there
 * - `Diverged`: holds records that the source does not have
 * - `Foreign`: is of another cluster, or of none that is known
 */
export type Relation = 'Empty' | 'Prefix' | 'Diverged' | 'Foreign';

/** How `log` relates to `source`. */
export function relationOf(source: LogHead, log: LogHead): Relation {
  if (log.revision === 0) return 'Empty';
  const cluster = source.claims.at(-1)?.cluster;
  if (log.claims.at(-1)?.cluster !== cluster) return 'Foreign';
  const byId = new Map(source.claims.map((claim, index) => [claim.id, index]));
  const newest = log.claims.at(-1);
  const shared = newest === undefined ? undefined : byId.get(newest.id);
  // Its newest claim is unknown: either others wrote it, or it is so old that its source has forgotten it. Both are a new copy.
  if (shared === undefined) return 'Diverged';
  return log.revision <= endOf(source, shared) ? 'Prefix' : 'Diverged';
}

/** Whether a log still has each change there ever was. */
export function isWholeHistory(log: {
  readonly head: LogHead;
  readonly compacted: number;
}): boolean {
  return log.head.claims[0]?.previous === 0 && log.compacted === 0;
}

/** The last revision of the epoch that the claim at `index` began. */
function endOf(source: LogHead, index: number): number {
  return source.claims[index + 1]?.previous ?? source.revision;
}

/** Whether a claim of somebody else is as new as ours: then ours is over. */
export function isSuperseded(own: Claim, found: readonly Claim[]): boolean {
  return found.some(({ id, epoch }) => epoch >= own.epoch && id !== own.id);
}
