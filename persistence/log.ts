// What the store writes to: one ordered log, however many instances keep it.
import type { Cursor, LogDump, LogRecord, Verified } from './provider.ts';

/** Kinds of records that the log keeps for itself: replicated as all others, never shown to the store. */
export const INTERNAL_KINDS = 'windlass/';

/** The one that is the store's: how far revisions may have been handed out before what they stand for was durable. */
export const CEILING_KIND = `${INTERNAL_KINDS}ceiling`;

/** Whether replay() shows records of a kind. */
export function isShownToStore(kind: string): boolean {
  return kind === CEILING_KIND || !kind.startsWith(INTERNAL_KINDS);
}

export type InstanceRole = 'Primary' | 'Replica';

/**
 * - `Up`: has everything, or lacks only what is on its way
 * - `CatchingUp`: reads what it lacks from the primary
 * - `NeedsFullSync`: lacks more than the primary's history holds; a copy of the whole is made
 * - `Down`: does not answer, or fails; tried again by itself
 * - `Fenced`: another control plane claimed it
 * - `Diverged`: holds records that the primary does not have; they are set aside, then a copy of the whole is made
 * - `Corrupt`: what it holds is damaged; left as it is for a person to look at
 */
export type InstanceState =
  'Up' | 'CatchingUp' | 'NeedsFullSync' | 'Down' | 'Fenced' | 'Diverged' | 'Corrupt';

/** How one instance is. Holds no secrets. */
export interface InstanceReport {
  readonly name: string;
  /** `sqlite`, `s3`, `nfs`, `module`. */
  readonly provider: string;
  /** Where it lies, without secrets. */
  readonly location: string;
  readonly role: InstanceRole;
  /** The primary by a promotion, though the configuration names this one first. */
  readonly insteadOf?: string | undefined;
  /** Counts for the ack policy. */
  readonly isSynchronous: boolean;
  readonly state: InstanceState;
  /** `since` of the state: milliseconds since the Unix epoch. */
  readonly since: number;
  /** `exists`, `up` and `meanPersistLatency` (seconds) as its provider says. */
  readonly exists: boolean;
  readonly up: boolean;
  readonly meanPersistLatency: number;
  readonly epoch: number;
  /** The newest that is durable there. */
  readonly revision: number;
  /** Behind the primary, in revisions and in seconds since the oldest change that it lacks. */
  readonly lagRevisions: number;
  readonly lagSeconds: number;
  /** Of changes that wait for it in memory. */
  readonly pendingBytes: number;
  /** `at` in milliseconds since the Unix epoch. */
  readonly lastError: { readonly message: string; readonly at: number } | undefined;
}

/** Called with the report after and the one before, at each change of state. Must not throw. */
export type InstanceListener = (now: InstanceReport, before: InstanceReport) => void;

/**
 * Whether writes go on. `Blocked`: an ack policy cannot be met; what was handed over meanwhile may still be acknowledged when it can
 * be again, new writes are refused. `Lost`: never again in this process.
 */
export type WriteState =
  { readonly state: 'Open' } | { readonly state: 'Blocked' | 'Lost'; readonly reason: Error };

/** Called with each batch that an instance has made durable: seconds from handing over to its answer. Must not throw. */
export type AppendListener = (instance: string, seconds: number) => void;

/** Must not throw. */
export type WriteListener = (now: WriteState) => void;

/**
 * How the log does something of its own in the order of the writes: `work` runs when all before it is decided and nothing after it has
 * begun, with `count` revisions of its own from `first` on. Rejects with what `work` threw or kept it from being run; what ends an
 * append for good ends writing here too.
 */
export type Sequencer = (count: number, work: (first: number) => Promise<void>) => Promise<void>;

/** How a promotion went. */
export interface Promoted {
  /** The instance that was the primary until then. */
  readonly previous: string;
  readonly epoch: number;
  /** Of the claim that made it so. */
  readonly revision: number;
  /** How long writes waited for it. */
  readonly heldMs: number;
}

export interface PromoteOptions {
  /** How long the replica may take to get near enough, while writes go on. */
  readonly catchUpMs: number;
  readonly signal: AbortSignal;
}

/** What an operator may ask for. @throws (all) UnknownInstanceError, and errors that say what to do instead */
export interface ManagerControl {
  /** Makes a replica anew from the primary: what it held is set aside, then a copy of the whole is made. */
  resync(instance: string): Promise<void>;
  /**
   * Makes a replica that has everything the primary, and the primary a replica, while writes go on: they wait for the moment of the
   * switch. What fails before that leaves all as it was.
   */
  promote(instance: string, options: PromoteOptions): Promise<Promoted>;
  /**
   * Adds an instance, empty or a copy that lags, as a replica that does not count for the ack policy, for as long as this process runs.
   * Once more it is the same one. Resolves with its name.
   */
  attach(url: string): Promise<string>;
  /** Lets go of an instance that was attached, and is not the primary. What it holds stays there. */
  detach(instance: string): Promise<void>;
  /**
   * The whole log of an instance as it stands now, consistent at one revision, while writes go on. Its history is kept until the
   * records were read to their end, or are no longer asked for.
   */
  dump(instance: string, signal: AbortSignal): Promise<LogDump>;
  /** Reads and checks everything that the instance holds. @throws CorruptDataError naming the first damage */
  verify(instance: string, signal: AbortSignal): Promise<Verified>;
}

/** One ordered log, however many instances keep it. */
export interface PersistenceLog extends AsyncDisposable {
  /**
   * Chooses the newest state and claims the next epoch everywhere. Once, before anything else.
   *
   * @throws what keeps the log from being used, in words that say what to do
   */
  open(signal: AbortSignal): Promise<Cursor>;
  /** Of the next batch. It changes with the primary, never while a batch is under way. */
  readonly epoch: number;
  /**
   * One at a time. Makes a batch (encoding.ts; at the epoch that `epoch` says) durable as the ack policy says, never before the
   * primary has it. The buffer must not be used afterwards.
   *
   * @throws StorageUnreachableError, StorageFullError: nothing of it was kept; after EpochLostError, StorageFailedError and
   *   CorruptDataError nothing more can be written
   */
  append(batch: ArrayBuffer): Promise<void>;
  /** As LogPersistenceProvider.replay(), without the log's own records. */
  replay(signal: AbortSignal): AsyncIterable<readonly LogRecord[]>;
  /** Forgets history up to a revision, as soon as replicas need it no more. */
  compact(through: number): Promise<void>;
  /**
   * Why no write is acknowledged at present although the log is open: a synchronous instance is missing and --on-sync-loss is
   * `block`. Undefined while writes are acknowledged.
   */
  blocked(): string | undefined;
  /** All instances, the primary first. */
  instances(): readonly InstanceReport[];
  /** @returns how to stop listening */
  watch(listener: InstanceListener): () => void;
  /** Also of what no append hears of: somebody else has taken over, a synchronous instance is lost. @returns how to stop listening */
  watchWrites(listener: WriteListener): () => void;
  /** Of replicas; what the primary takes is what an append takes. @returns how to stop listening */
  watchAppends(listener: AppendListener): () => void;
  /** To be told before anything that needs a place in the order of writes is asked of `control`. */
  sequenceWith(sequencer: Sequencer): void;
  readonly control: ManagerControl;
}
