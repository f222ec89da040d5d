// What to start from, decided from what was found. Pure. Nothing acknowledged may be lost, so a start that might lose something is
// told apart and the reasons given; whether to go on is the operator's choice.
import { mayHoldMore, needed } from './ack-policy.ts';
import type { Claim } from './claim.ts';
import { relationOf } from './relation.ts';
import type { LogHead } from './relation.ts';
import { StartRefusedError } from './start-refused-error.ts';

/** An instance that keeps a log, as it was found. */
export type Found =
  | ({
      readonly name: string;
      readonly isSeen: true;
      /** Of a place that holds nothing but the mark of a copy that has not come to its end: of what. */
      readonly unfinished?: string | undefined;
    } & LogHead)
  | { readonly name: string; readonly isSeen: false; readonly reason: string };

type Seen = Extract<Found, { isSeen: true }>;

/** What this data directory remembers of its last start; see claim-book.ts. */
export interface Remembered {
  /** The claim that it made, once that was durable. */
  readonly claim?: Pick<Claim, 'id' | 'epoch'> | undefined;
  /** How far each instance was, at least. */
  readonly reached: Readonly<Record<string, { readonly epoch: number; readonly revision: number }>>;
}

export interface Choice {
  /** Holds the newest state. */
  readonly source: string;
  /** Gets every write first from now on. */
  readonly primary: string;
  /** The primary by a promotion, in place of this one, which the configuration names first. */
  readonly insteadOf?: string | undefined;
  /** Why acknowledged writes may be missing in the source; empty when none can be. */
  readonly doubts: readonly string[];
}

/**
 * @param found in the order of the configuration
 * @throws StartRefusedError where there is nothing to choose
 */
export function choose(found: readonly Found[], remembered: Remembered): Choice {
  const seen = found.filter((one): one is Seen => one.isSeen);
  const [first] = seen;
  if (first === undefined) {
    throw new StartRefusedError(
      `Cannot start: no persistence instance can be used\n${reasons(found)}`,
    );
  }
  refuseMixture(seen);
  const source = seen.reduce((best, one) => (isNewer(one, best) ? one : best));
  const promoted = promotedIn(source, found);
  return {
    source: source.name,
    ...(promoted ?? { primary: first.name }),
    doubts: [
      ...doubtsOfUnseen(source, found, remembered),
      ...doubtsOfDiverged(source, seen, found),
      ...doubtsOfMemory(source, remembered),
    ],
  };
}

/** A promotion holds until the configuration names another one first than it did then. */
function promotedIn(
  { claims }: Seen,
  found: readonly Found[],
): Pick<Choice, 'primary' | 'insteadOf'> | undefined {
  const { insteadOf, members = [] } = claims.at(-1) ?? {};
  const primary = found.find(({ name, isSeen }) => isSeen && name === members[0]);
  if (primary === undefined || insteadOf === undefined || insteadOf !== found[0]?.name)
    return undefined;
  return { primary: primary.name, insteadOf };
}

function reasons(found: readonly Found[]): string {
  return found.map((one) => `  ${one.name}: ${one.isSeen ? 'usable' : one.reason}`).join('\n');
}

/** Data of several clusters, or of none that is known, is a mistake in the configuration: nothing is overwritten for it. */
function refuseMixture(seen: readonly Seen[]): void {
  const filled = seen.filter(({ revision }) => revision > 0);
  const clusters = new Map(filled.map((one) => [one.claims.at(-1)?.cluster, one.name]));
  if (clusters.size <= 1 && (filled.length <= 1 || !clusters.has(undefined))) return;
  const lines = filled.map(
    ({ name, claims }) => `  ${name}: ${claims.at(-1)?.cluster ?? 'no claim of any cluster'}`,
  );
  throw new StartRefusedError(
    `Cannot start: these persistence instances hold the data of different clusters\n${lines.join('\n')}\nLeave out what does not belong to this one, or give it an empty place.`,
  );
}

function isNewer(one: Seen, other: Seen): boolean {
  const [left, right] = [one, other].map(({ claims }) => claims.at(-1)?.epoch ?? 0) as [
    number,
    number,
  ];
  return left === right ? one.revision > other.revision : left > right;
}

/** Instances that were not seen, or hold less than they did, may hold what nobody else has. */
function doubtsOfUnseen(
  source: Seen,
  found: readonly Found[],
  remembered: Remembered,
): readonly string[] {
  const names = new Map(found.map((one) => [one.name, one]));
  const claim = source.claims.at(-1);
  if (claim === undefined) {
    if (source.revision > 0) return [];
    // Everything that is seen is empty: whoever is not seen may hold all there is, and so does what a copy was begun of.
    return found.flatMap((one) => {
      if (!one.isSeen) return [`${one.name} may hold the state: ${one.reason}`];
      if (one.unfinished === undefined) return [];
      return [
        `${one.name} was to be filled by ${one.unfinished}, which has not come to its end: that is where the state is`,
      ];
    });
  }
  const missing = new Map<string, string>();
  // Names follow from places: a log that holds the claim under another name is a member that was moved.
  const moved = found.filter(
    (one) =>
      one.isSeen &&
      !claim.members.includes(one.name) &&
      one.claims.some(({ id }) => id === claim.id),
  );
  const gone = claim.members.filter((member) => !names.has(member));
  const members = gone.length > moved.length ? claim.members : without(claim.members, gone);
  for (const member of members) {
    const why = whyMissing(member, names.get(member), { source, claim, remembered });
    if (why !== undefined) missing.set(member, why);
  }
  for (const member of gone) {
    const reached = remembered.reached[member];
    if (missing.has(member) || reached === undefined || !isLess(source, reached)) continue;
    const behind = `${source.name}, which holds its log, ends at ${source.revision}: a copy of before`;
    missing.set(
      member,
      `it was at revision ${reached.revision} of epoch ${reached.epoch}, and ${behind}`,
    );
  }
  if (!mayHoldMore(claim, claim.members, new Set(missing.keys()))) return [];
  return [...missing].map(([name, why]) => `${name} may hold more: ${why}`);
}

/** Than it is known to have been. */
function isLess(
  { claims, revision }: Seen,
  reached: { readonly epoch: number; readonly revision: number },
): boolean {
  const epoch = claims.at(-1)?.epoch ?? 0;
  return epoch < reached.epoch || (epoch === reached.epoch && revision < reached.revision);
}

function without(members: readonly string[], gone: readonly string[]): readonly string[] {
  return members.filter((member) => !gone.includes(member));
}

function whyMissing(
  member: string,
  found: Found | undefined,
  { source, claim, remembered }: { source: Seen; claim: Claim; remembered: Remembered },
): string | undefined {
  if (found === undefined) {
    const place = member === claim.members[0] ? claim.place : undefined;
    return `it is not configured${place === undefined ? ' any more' : `; give --persistence ${place}`}`;
  }
  if (!found.isSeen) return found.reason;
  if (found.revision === 0) return 'it is empty now';
  const reached = remembered.reached[member];
  const epoch = found.claims.at(-1)?.epoch ?? 0;
  if (reached !== undefined) {
    if (isLess(found, reached))
      return `it is at revision ${found.revision} of epoch ${epoch}, but was at ${reached.revision} of epoch ${reached.epoch}: an older copy`;
  }
  // The primary of the newest epoch has all of it, unless it was lost since.
  const isPrimary = member === claim.members[0];
  if (isPrimary && relationOf(source, found) === 'Prefix' && found.revision < source.revision)
    return `it was the primary, yet ends at revision ${found.revision} where ${source.name} ends at ${source.revision}: an older copy`;
  return undefined;
}

/** A log that somebody else went on with, and that may have acknowledged writes of its own. */
function doubtsOfDiverged(
  source: Seen,
  seen: readonly Seen[],
  found: readonly Found[],
): readonly string[] {
  const unseen = new Set(found.filter(({ isSeen }) => !isSeen).map(({ name }) => name));
  return seen.flatMap((one) => {
    const claim = foreignClaim(source, one);
    if (claim === undefined) return [];
    const holders = new Set(
      seen.filter(({ claims }) => claims.some(({ id }) => id === claim.id)).map(({ name }) => name),
    );
    if (!mayBeAcknowledged(claim, new Set([...holders, ...unseen]))) return [];
    return [
      `${one.name} and ${source.name} went apart: ${one.name} was written by ${claim.host} at ${new Date(claim.at).toISOString()} (epoch ${claim.epoch}, up to revision ${one.revision}) without what ${source.name} holds; what only ${one.name} holds would be set aside`,
    ];
  });
}

/** The newest claim of a diverged log that the source does not have. */
export function foreignClaim(source: LogHead, log: LogHead): Claim | undefined {
  const newest = log.claims.at(-1);
  if (newest === undefined || relationOf(source, log) !== 'Diverged') return undefined;
  return source.claims.some(({ id }) => id === newest.id) ? undefined : newest;
}

/** Whether writes of an epoch can have been acknowledged when at most `holders` have them. */
export function mayBeAcknowledged(claim: Claim, holders: ReadonlySet<string>): boolean {
  const [primary = ''] = claim.members;
  if (!holders.has(primary)) return false;
  if (claim.onSyncLoss === 'degrade') return true;
  const count = claim.members.filter((member) => holders.has(member)).length;
  return count >= needed(claim.ack, claim.members.length);
}

/** This directory has had a claim of its own acknowledged that what was found does not know. */
function doubtsOfMemory(source: Seen, { claim }: Remembered): readonly string[] {
  if (claim === undefined) return [];
  const newest = source.claims.at(-1)?.epoch ?? 0;
  if (newest > claim.epoch || source.claims.some(({ id }) => id === claim.id)) return [];
  return [
    `this data directory was at epoch ${claim.epoch} when it last ran, and none of the instances has reached that`,
  ];
}
