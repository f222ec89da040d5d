// A replica becomes the primary while the log is open. Runs between two batches, with nobody following: takes the next epoch on all
// instances, then writes the claim that makes it so, first on the new primary. From there on that one has the newest claim, so a start
// after a crash goes on from it; before, all is as it was. Nothing is acknowledged in between. See docs/adr/0015.
import { encodeBatch } from '../encoding.ts';
import { EpochLostError, StorageFailedError } from '../errors.ts';
import type { MachineId } from '../machine-id.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { keptBeside, newId, readClaims, recordsOf } from './claim.ts';
import type { Claim } from './claim.ts';
import { Deadline } from './inspect.ts';
import type { ManagedInstance } from './instance.ts';
import type { Opened } from './opening.ts';
import { isSuperseded } from './relation.ts';

/** For each question to the two that change places; writes wait meanwhile. */
const ANSWER_MS = 5_000;
/** For the others: nobody waits long for them. */
const OTHERS_MS = 1_000;
/** Longer than a provider itself waits for a place that does not answer. */
const APPEND_MS = 35_000;
/** How long it is tried to find out whether a claim that failed is there all the same. */
const RESOLVE_MS = 10_000;
const RETRY_MS = 250;

/** The promotion is not done, and nothing has changed; the message says why and what to do. */
export class PromotionRefusedError extends Error {
  override readonly name = 'PromotionRefusedError';

  constructor(instance: string, why: string, options?: ErrorOptions) {
    super(`Cannot promote ${instance}: ${why}`, options);
  }
}

export interface PromotionOptions {
  /** As the log is open now, at the newest revision of its primary. */
  readonly opened: Opened;
  readonly target: ManagedInstance;
  /** Those that keep a log, in the order of the configuration. */
  readonly instances: readonly ManagedInstance[];
  /** What the claim says of the promotion itself. */
  readonly claim: Pick<Claim, 'counter' | 'machine' | 'host' | 'ack' | 'onSyncLoss' | 'revision'>;
  readonly machineId: MachineId;
  readonly clock: Clock;
}

export interface PromotionOutcome {
  /** What to go on with, in any case. */
  readonly opened: Opened;
  /** Why it is still the old primary. */
  readonly refusal?: PromotionRefusedError;
}

/**
 * @throws EpochLostError when another control plane goes on with the data, StorageFailedError when nobody can find out what has become
 *   of the claim: after both nothing more may be acknowledged
 */
export async function promoteIn(options: PromotionOptions): Promise<PromotionOutcome> {
  const { opened, target } = options;
  const tokens = new Map(opened.tokens);
  const refused = (error: unknown): PromotionOutcome => {
    if (error instanceof SupersededError) throw error.cause;
    const { message } = error as Error;
    const refusal = new PromotionRefusedError(target.name, message, { cause: error });
    return { opened: { ...opened, tokens }, refusal };
  };
  let compacted: number;
  let claim: Claim;
  try {
    await checkHeld(options);
    claim = newClaim(options);
    compacted = await takeEpochs(options, claim.epoch, tokens);
  } catch (error) {
    return refused(error);
  }
  const records = recordsOf(claim, opened.claims);
  try {
    const epoch = tokens.get(target.name) ?? 0;
    const appending = target.provider.append(target.name, encodeBatch({ epoch, records }));
    await within(options.clock, APPEND_MS, target, appending);
  } catch (error) {
    if (!(await hasArrived(options, claim, tokens, error as Error))) return refused(error);
  }
  const revision = records.at(-1)?.revision ?? claim.revision;
  const claims = [...keptBeside(opened.claims), claim];
  return { opened: { ...opened, primary: target, tokens, claim, claims, revision, compacted } };
}

/** Another control plane has written a claim: this one is over. */
class SupersededError extends Error {
  override readonly cause: EpochLostError;

  constructor(cause: EpochLostError) {
    super(cause.message);
    this.cause = cause;
  }
}

/** Nobody else has come to either of the two, and the new primary has everything. */
async function checkHeld({ opened, target, clock }: PromotionOptions): Promise<void> {
  for (const instance of [opened.primary, target]) {
    const { provider, name } = instance;
    const { epoch, revision } = await within(clock, ANSWER_MS, instance, provider.cursor(name));
    const held = opened.tokens.get(name) ?? 0;
    if (epoch !== held && instance === opened.primary)
      throw new SupersededError(new EpochLostError(name, held, epoch));
    if (epoch !== held) throw new EpochLostError(name, held, epoch);
    if (revision !== opened.revision)
      throw new Error(`${name} is at revision ${revision}, the log at ${opened.revision}`);
  }
}

function newClaim({ opened, target, instances, claim, clock }: PromotionOptions): Claim {
  const names = instances.map(({ name }) => name);
  const [first] = names;
  // What was only attached does not count until it is the primary.
  const others = names.filter(
    (name) =>
      name !== target.name && name !== opened.primary.name && opened.claim.members.includes(name),
  );
  return {
    ...claim,
    cluster: opened.claim.cluster,
    epoch: Math.max(opened.claim.epoch, ...opened.tokens.values()) + 1,
    id: newId(),
    at: clock.now(),
    previous: opened.revision,
    members: [target.name, opened.primary.name, ...others],
    place: target.location,
    ...(first === undefined || first === target.name ? {} : { insteadOf: first }),
  };
}

/**
 * Whoever starts from one of them alone comes out above the claim. The old primary's last, so that it goes on as it was when another
 * one fails.
 *
 * @returns how far back the history of the new primary reaches
 */
async function takeEpochs(
  { opened, target, instances, clock }: PromotionOptions,
  epoch: number,
  tokens: Map<string, number>,
): Promise<number> {
  const take = async (instance: ManagedInstance, ms: number): Promise<number> => {
    const claiming = instance.provider.claimEpoch(instance.name, epoch);
    const cursor = await within(clock, ms, instance, claiming);
    tokens.set(instance.name, cursor.epoch);
    return cursor.compacted;
  };
  const others = instances.filter((one) => one !== target && one !== opened.primary);
  await Promise.all(
    others.map((instance) =>
      // It is taken when it is followed again.
      take(instance, OTHERS_MS).catch(() => tokens.delete(instance.name)),
    ),
  );
  const compacted = await take(target, ANSWER_MS);
  await take(opened.primary, ANSWER_MS);
  for (const instance of [opened.primary, target]) {
    const { provider, name } = instance;
    const claims = await within(clock, ANSWER_MS, instance, readClaims(provider, name));
    if (isSuperseded(opened.claim, claims))
      throw new SupersededError(
        new EpochLostError(name, opened.claim.epoch, claims.at(-1)?.epoch ?? 0),
      );
  }
  return compacted;
}

/**
 * A claim that was refused is not there. Of any other error only reading tells, with an epoch that what is still under way does not
 * have.
 *
 * @throws StorageFailedError when it does not tell in time
 */
async function hasArrived(
  { target, machineId, clock }: PromotionOptions,
  claim: Claim,
  tokens: Map<string, number>,
  error: Error,
): Promise<boolean> {
  if (REFUSALS.has(error.name)) return false;
  const { provider, name } = target;
  const end = clock.monotonic() + RESOLVE_MS;
  let last = error;
  while (clock.monotonic() < end) {
    try {
      const looking = async (): Promise<readonly Claim[]> => {
        await provider.initialize(machineId);
        const { epoch } = await provider.claimEpoch(name, claim.epoch);
        tokens.set(name, epoch);
        return readClaims(provider, name);
      };
      const claims = await within(clock, ANSWER_MS, target, looking());
      return claims.some(({ id }) => id === claim.id);
    } catch (failure) {
      last = failure as Error;
      await sleep(clock, RETRY_MS);
    }
  }
  throw new StorageFailedError(
    `Cannot go on: whether ${name} has become the primary is not known (${last.message}); start again, which finds it out`,
    { cause: last },
  );
}

const REFUSALS = new Set(['EpochLostError', 'StorageFullError', 'StorageUnreachableError']);

function within<T>(
  clock: Clock,
  ms: number,
  instance: ManagedInstance,
  work: Promise<T>,
): Promise<T> {
  return new Deadline(clock, ms, NEVER).bound(instance, work);
}

const NEVER = new AbortController().signal;
