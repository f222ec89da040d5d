// The start: looks at all instances, decides what to go on from, takes the next epoch everywhere, brings the primary up to date and
// writes the claim that begins the epoch. Nothing is changed anywhere before it is clear that the start may go on.
import { encodeBatch } from '../encoding.ts';
import { ForeignDataError } from '../errors.ts';
import type { MachineId } from '../machine-id.ts';
import type { Clock } from '#platform/clock.ts';
import type { AckRules } from './ack-policy.ts';
import { choose } from './choice.ts';
import type { Choice } from './choice.ts';
import type { ClaimBook, ClaimNotes } from './claim-book.ts';
import { keptBeside, newId, recordsOf } from './claim.ts';
import type { Claim } from './claim.ts';
import { copyChanges, copyWhole, SourceFailedError } from './copying.ts';
import { asFound, Deadline, inspect } from './inspect.ts';
import type { Inspected } from './inspect.ts';
import type { ManagedInstance } from './instance.ts';
import { relationOf } from './relation.ts';
import type { LogHead } from './relation.ts';
import { StartRefusedError } from './start-refused-error.ts';

const DEADLINE_MS = 10_000;
/** Revisions go on at the next multiple when some that were handed out may be missing: none is ever handed out twice. */
const JUMP = 2 ** 32;

export interface OpeningOptions {
  /** Those that keep a log, in the order of the configuration. */
  readonly instances: readonly ManagedInstance[];
  readonly machineId: MachineId;
  readonly host: string;
  readonly book: ClaimBook;
  readonly rules: AckRules;
  readonly acceptPossibleLoss: boolean;
  readonly takeover: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Opened {
  readonly primary: ManagedInstance;
  /** The epoch that was taken on each instance; none for those that were not reached. */
  readonly tokens: ReadonlyMap<string, number>;
  /** Why the others were not. */
  readonly errors: ReadonlyMap<string, Error>;
  readonly claim: Claim;
  /** Of the primary, the new claim included; oldest first. */
  readonly claims: readonly Claim[];
  readonly revision: number;
  /** History reaches back to here on the primary. */
  readonly compacted: number;
  /** Older watches cannot go on: some of what they saw may be missing. */
  readonly floor: number;
  readonly notes: ClaimNotes;
}

/** @throws StartRefusedError, and what the primary throws */
export async function openLog(options: OpeningOptions): Promise<Opened> {
  const { book, machineId } = options;
  const deadline = new Deadline(options.clock, DEADLINE_MS, options.signal);
  const looked = await Promise.all(
    options.instances.map((instance) =>
      inspect(instance, deadline, ({ provider, name }) => provider.cursor(name)),
    ),
  );
  options.signal.throwIfAborted();
  const { notes: known, isElsewhere } = await book.read();
  const notes = known ?? { counter: 0, reached: {} };
  const claims = looked.flatMap(({ seen }) => seen?.claims ?? []);
  const counter = nextCounter(options, { notes: known, isElsewhere, claims });
  // Only to find out whether the start will be refused: until then others go on undisturbed.
  decide(looked, options, notes);

  const begun = { ...notes, counter };
  await book.write(begun);
  const epoch = nextEpoch(looked);
  const claimed = await Promise.all(
    looked.map((one) =>
      one.seen === undefined
        ? Promise.resolve(one)
        : inspect(one.instance, deadline, ({ provider, name }) => provider.claimEpoch(name, epoch)),
    ),
  );
  options.signal.throwIfAborted();
  const ready = await makeReady(claimed, options, notes);
  const claim = newClaim(ready, { ...options, counter, machineId });
  const records = recordsOf(claim, ready.head.claims);
  const token = ready.tokens.get(ready.primary.name) ?? 0;
  await ready.primary.provider.append(ready.primary.name, encodeBatch({ epoch: token, records }));
  const all = [...keptBeside(ready.head.claims), claim];
  return {
    primary: ready.primary,
    tokens: ready.tokens,
    errors: ready.errors,
    claim,
    claims: all,
    revision: records.at(-1)?.revision ?? claim.revision,
    compacted: ready.compacted,
    floor: Math.max(
      ready.compacted,
      ...[...ready.head.claims, claim].filter(isJump).map(({ revision }) => revision),
    ),
    notes: begun,
  };
}

/** A promotion's claim may come a few later than the last change: revisions of writes that failed lie in between. */
function isJump({ revision, previous }: Claim): boolean {
  return revision > previous + 1 && revision % JUMP === 0;
}

/** @throws StartRefusedError for a copy of a data directory that somebody went on with */
function nextCounter(
  { machineId, book, takeover }: OpeningOptions,
  {
    notes,
    isElsewhere,
    claims,
  }: {
    readonly notes: ClaimNotes | undefined;
    readonly isElsewhere: boolean;
    readonly claims: readonly Claim[];
  },
): number {
  const own = claims.filter(({ machine }) => machine === machineId);
  const next = Math.max(notes?.counter ?? 0, ...own.map(({ counter }) => counter)) + 1;
  const unknown = own.findLast(({ counter }) => notes !== undefined && counter > notes.counter);
  if (unknown === undefined || takeover) return next;
  const what = isElsewhere
    ? 'it is a copy, or was moved or restored, and its original'
    : 'it was set back to an earlier state, or a copy of it';
  throw new StartRefusedError(
    `Cannot start: ${book.place} does not know the newest claim of this machine id (epoch ${unknown.epoch}, by ${unknown.host} at ${new Date(unknown.at).toISOString()}): ${what} has run since. Start the newer one; or, if this directory is the one to go on with, start it once with --takeover.`,
  );
}

function nextEpoch(looked: readonly Inspected[]): number {
  const epochs = looked.flatMap(({ seen }) =>
    seen === undefined ? [] : [seen.cursor.epoch, ...seen.claims.map(({ epoch }) => epoch)],
  );
  return Math.max(0, ...epochs) + 1;
}

/** @throws StartRefusedError, or what the only instance threw */
function decide(
  inspected: readonly Inspected[],
  options: OpeningOptions,
  notes: ClaimNotes,
): Choice {
  const [only, second] = inspected;
  if (second === undefined && only?.error !== undefined) throw only.error;
  const foreign = inspected.find(({ error }) => error instanceof ForeignDataError);
  if (foreign?.error !== undefined) throw foreign.error;
  const choice = choose(inspected.map(asFound), notes);
  if (choice.doubts.length === 0 || options.acceptPossibleLoss) return choice;
  const source = inspected.find(({ instance }) => instance.name === choice.source);
  throw new StartRefusedError(
    `Cannot start: acknowledged writes may be missing in what can be used (${choice.source} at ${source?.instance.location ?? '?'}, revision ${source?.seen?.cursor.revision ?? 0})\n${choice.doubts.map((doubt) => `  ${doubt}`).join('\n')}\nBring that back and start again; or go on without it, and without what only it holds: start once with --accept-possible-loss.`,
  );
}

interface Ready {
  readonly primary: ManagedInstance;
  readonly head: LogHead;
  readonly compacted: number;
  readonly tokens: ReadonlyMap<string, number>;
  readonly errors: ReadonlyMap<string, Error>;
  /** Some acknowledged writes may be missing, and the operator accepts that. */
  readonly mayMiss: boolean;
  readonly insteadOf: string | undefined;
}

/** Chooses among what was claimed, checks the source and brings the primary to where it is. Whatever fails counts as not seen. */
async function makeReady(
  claimed: readonly Inspected[],
  options: OpeningOptions,
  notes: ClaimNotes,
): Promise<Ready> {
  let inspected = claimed;
  let verified: string | undefined;
  for (;;) {
    const choice = decide(inspected, options, notes);
    const [source, primary] = [choice.source, choice.primary].map((name) => {
      const found = inspected.find(({ instance }) => instance.name === name);
      if (found?.seen === undefined) throw new TypeError('Only what was seen is chosen');
      return { instance: found.instance, seen: found.seen };
    }) as [Chosen, Chosen];
    let working = source;
    try {
      if (verified !== choice.source && inspected.length > 1 && source.seen.cursor.revision > 0) {
        await source.instance.provider.verify(choice.source, options.signal);
        verified = choice.source;
      }
      working = primary;
      await align(source, primary, options.signal);
    } catch (error) {
      options.signal.throwIfAborted();
      const failed = error instanceof SourceFailedError ? source : working;
      const cause = error instanceof SourceFailedError ? (error.cause as Error) : (error as Error);
      if (inspected.length === 1) throw cause;
      inspected = inspected.map((one) =>
        one.instance === failed.instance ? { instance: one.instance, error: cause } : one,
      );
      continue;
    }
    const { revision, compacted } = await primary.instance.provider.cursor(choice.primary);
    return {
      primary: primary.instance,
      head: { claims: source.seen.claims, revision },
      compacted,
      tokens: new Map(
        inspected.flatMap(({ instance, seen }) =>
          seen === undefined ? [] : [[instance.name, seen.cursor.epoch]],
        ),
      ),
      errors: new Map(
        inspected.flatMap(({ instance, error }) =>
          error === undefined ? [] : [[instance.name, error]],
        ),
      ),
      mayMiss: choice.doubts.length > 0,
      insteadOf: choice.insteadOf,
    };
  }
}

interface Chosen {
  readonly instance: ManagedInstance;
  readonly seen: NonNullable<Inspected['seen']>;
}

/** Afterwards the primary holds what the source holds. What only the primary holds is set aside. */
async function align(source: Chosen, primary: Chosen, signal: AbortSignal): Promise<void> {
  if (source.instance === primary.instance) return;
  const [from, to] = [source.seen.cursor, primary.seen.cursor];
  const relation = relationOf(
    { claims: source.seen.claims, revision: from.revision },
    { claims: primary.seen.claims, revision: to.revision },
  );
  const copying = {
    source: source.instance,
    target: primary.instance,
    token: to.epoch,
    signal,
  };
  const isShared = relation === 'Prefix' || source.seen.claims[0]?.previous === 0;
  const isReached = to.revision >= from.compacted && primary.seen.unfinished === undefined;
  if (relation !== 'Diverged' && isShared && isReached) {
    await copyChanges(copying, to.revision);
    return;
  }
  if (relation === 'Diverged')
    await primary.instance.provider.setAside(primary.instance.name, to.epoch);
  await copyWhole(copying, source.seen.claims.at(-1)?.cluster ?? 'unknown');
}

function newClaim(
  { head, tokens, primary, mayMiss, insteadOf }: Ready,
  options: OpeningOptions & { readonly counter: number },
): Claim {
  const previous = head.revision;
  const names = options.instances.map(({ name }) => name);
  return {
    cluster: head.claims.at(-1)?.cluster ?? newId(),
    epoch: Math.max(...tokens.values(), (head.claims.at(-1)?.epoch ?? 0) + 1),
    id: newId(),
    machine: options.machineId,
    counter: options.counter,
    host: options.host,
    at: options.clock.now(),
    revision: mayMiss ? (Math.floor(previous / JUMP) + 1) * JUMP : previous + 1,
    previous,
    ack: options.rules.ack,
    onSyncLoss: options.rules.onSyncLoss,
    members: [primary.name, ...names.filter((name) => name !== primary.name)],
    ...(insteadOf === undefined ? {} : { insteadOf }),
  };
}
