// When a batch counts as durable. Pure.
import type { AckPolicy, SyncLossPolicy } from './claim.ts';

/** One instance that counts. */
export interface Voter {
  readonly isPrimary: boolean;
  /** Holds the batch durably. */
  readonly has: boolean;
  /** Has not kept up for so long that waiting for it is no use. */
  readonly isLost: boolean;
}

/** `Blocked`: cannot be met as long as the lost ones are lost. */
export type AckVerdict = 'Met' | 'Waiting' | 'Blocked';

export interface AckRules {
  readonly ack: AckPolicy;
  readonly onSyncLoss: SyncLossPolicy;
}

/** How many of `count` instances, the primary among them, must hold a write. */
export function needed(ack: AckPolicy, count: number): number {
  if (ack === 'primary') return 1;
  return ack === 'all' ? count : Math.floor(count / 2) + 1;
}

export function ackVerdict(rules: AckRules, voters: readonly Voter[]): AckVerdict {
  if (!voters.some(({ isPrimary, has }) => isPrimary && has)) return 'Waiting';
  const quota = needed(rules.ack, voters.length);
  const having = voters.filter(({ has }) => has).length;
  if (having >= quota) return 'Met';
  const possible = voters.filter(({ has, isLost }) => has || !isLost).length;
  if (possible >= quota) return 'Waiting';
  if (rules.onSyncLoss === 'block') return 'Blocked';
  return voters.every(({ has, isLost }) => has || isLost) ? 'Met' : 'Waiting';
}

/**
 * Whether a write may have been acknowledged that only `unseen` hold. The primary of an epoch has every write of it, so nothing
 * is missing where the primary is seen.
 *
 * @param members names, the primary first
 */
export function mayHoldMore(
  rules: AckRules,
  members: readonly string[],
  unseen: ReadonlySet<string>,
): boolean {
  const [primary] = members;
  if (primary === undefined || !unseen.has(primary)) return false;
  // Degraded, the primary may have been the only one for a while.
  if (rules.onSyncLoss === 'degrade') return true;
  const hidden = members.filter((member) => unseen.has(member)).length;
  return hidden >= needed(rules.ack, members.length);
}
