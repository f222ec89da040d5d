// Claims: the records that begin each epoch, in the log itself. Two logs share their past exactly up to the newest claim that both
// hold, as the leader epochs of Kafka have it, so that divergence is found without comparing data. See docs/adr/0012.
import { randomBytes } from 'node:crypto';
import { CorruptDataError } from '../errors.ts';
import { INTERNAL_KINDS } from '../log.ts';
import type { LogPersistenceProvider, LogRecord, PersistenceProvider } from '../provider.ts';

export const CLAIM_KIND = `${INTERNAL_KINDS}claims`;
/** Older claims are deleted with each new one. */
const KEPT = 64;

export type AckPolicy = 'primary' | 'quorum' | 'all';
export type SyncLossPolicy = 'block' | 'degrade';

export interface Claim {
  /** Of the first claim ever: tells the data of different clusters apart. */
  readonly cluster: string;
  readonly epoch: number;
  /** 128 random bits, in hexadecimal. */
  readonly id: string;
  /** Machine id, and how often that machine has claimed. */
  readonly machine: string;
  readonly counter: number;
  readonly host: string;
  /** Milliseconds since the Unix epoch; for people. */
  readonly at: number;
  /** Of this record, and of the one before it: the claim's log reached so far, whatever others hold in between. */
  readonly revision: number;
  readonly previous: number;
  /** What writes of this epoch are acknowledged by: says later which instances may hold some that others lack. */
  readonly ack: AckPolicy;
  readonly onSyncLoss: SyncLossPolicy;
  /** Names of the instances that count for it; the first is the primary of the epoch. */
  readonly members: readonly string[];
  /**
   * The instance that the configuration named first when another one had been made the primary by a promotion. As long as it is still
   * named first, the promotion holds.
   */
  readonly insteadOf?: string | undefined;
  /** Where the primary lies that a promotion made, for people: it may be none of the configuration. */
  readonly place?: string | undefined;
}

export function newId(): string {
  return randomBytes(16).toString('hex');
}

/** Of the claims of a log, oldest first, those that a new one leaves behind. */
export function keptBeside(older: readonly Claim[]): readonly Claim[] {
  return older.slice(Math.max(0, older.length + 1 - KEPT));
}

/** The claim as the first records of its epoch: itself at its revision, then deletions of claims that are too old to matter. */
export function recordsOf(claim: Claim, older: readonly Claim[]): readonly LogRecord[] {
  const outdated = older.slice(0, older.length - keptBeside(older).length);
  const value = Buffer.from(JSON.stringify(claim));
  return [
    { revision: claim.revision, kind: CLAIM_KIND, key: keyOf(claim), value },
    ...outdated.map((old, index) => ({
      revision: claim.revision + 1 + index,
      kind: CLAIM_KIND,
      key: keyOf(old),
    })),
  ];
}

function keyOf({ epoch }: Claim): string {
  return String(epoch).padStart(16, '0');
}

/** The claims that an instance holds, oldest first. @throws CorruptDataError, and what the provider throws */
export async function readClaims(
  provider: PersistenceProvider | LogPersistenceProvider,
  instance: string,
): Promise<readonly Claim[]> {
  const objects = await provider.getAllObjects(instance, CLAIM_KIND);
  return objects
    .map(({ key, value }) => parseClaim(instance, key, value))
    .toSorted((left, right) => left.revision - right.revision);
}

function parseClaim(instance: string, key: string, value: Uint8Array): Claim {
  try {
    const claim: unknown = JSON.parse(Buffer.from(value).toString());
    if (isClaim(claim)) return claim;
  } catch {
    // Told below, as anything else that is no claim.
  }
  throw new CorruptDataError(
    `Cannot use ${instance}: its record ${CLAIM_KIND} ${key} is not a claim; restore it from a backup`,
  );
}

function isClaim(value: unknown): value is Claim {
  if (typeof value !== 'object' || value === null) return false;
  const { cluster, epoch, id, machine, counter, host, at, revision, previous, ack, ...rest } =
    value as Readonly<Record<string, unknown>>;
  return (
    [cluster, id, machine, host].every((text) => typeof text === 'string') &&
    [epoch, counter, at, revision, previous].every(Number.isSafeInteger) &&
    ['primary', 'quorum', 'all'].includes(ack as string) &&
    ['block', 'degrade'].includes(rest['onSyncLoss'] as string) &&
    Array.isArray(rest['members']) &&
    rest['members'].every((member) => typeof member === 'string') &&
    ['insteadOf', 'place'].every((name) => ['string', 'undefined'].includes(typeof rest[name]))
  );
}
