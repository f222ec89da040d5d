// The narrow waist of persistence. Knows nothing of Kubernetes: objects are keys and bytes.
//
// The seven verbs of PersistenceProvider are what a third party implements; the log verbs beside them give the order and
// the speed that a primary needs. One provider serves several instances (two S3 endpoints, a local file and an NFS path).
import type { MachineId } from './machine-id.ts';

/** Of an instance. `exists` is false for names that the provider does not know. */
export interface PersistenceProviderStatus {
  readonly exists: boolean;
  /** True while the instance is up. */
  readonly status: boolean;
  /** Seconds from the request to the backend's acknowledgement, mean over the recent past. */
  readonly meanPersistLatency: number;
}

/** A persisted object: `kind` groups keys (`core/pods`), `key` is unique within it (`default/web-1`). */
export interface PersistedObject {
  readonly kind: string;
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * Storage backends that persist the control plane's objects. An unknown instance gets status `{exists: false}` and
 * UnknownInstanceError from every other call; a missing object is `undefined`.
 */
export interface PersistenceProvider {
  /**
   * Opens connections and files. An instance that cannot be opened is Down afterwards; the others work. Called again it opens
   * those anew that are Down, and leaves the others alone.
   */
  initialize(machineId: MachineId): Promise<void>;
  /** Names of the form `<generic>-<hash of its configuration>`. */
  instances(): readonly string[];
  instanceStatus(instance: string): PersistenceProviderStatus;
  /** Resolves with the object's key once it is durable. */
  putObject(instance: string, object: PersistedObject): Promise<string>;
  deleteObject(instance: string, kind: string, key: string): Promise<void>;
  getObject(instance: string, kind: string, key: string): Promise<PersistedObject | undefined>;
  getAllObjects(instance: string, kind: string): Promise<readonly PersistedObject[]>;
}

/** One change. `value` is absent for a deletion. */
export interface LogRecord extends Omit<PersistedObject, 'value'> {
  readonly revision: number;
  readonly value?: Uint8Array;
}

/** Where a log stands. */
export interface Cursor {
  readonly epoch: number;
  /** The newest durable revision, also when it was a deletion; 0 for an empty log. Never goes back. */
  readonly revision: number;
  /** History reaches back to here: readFrom() works from this revision on. */
  readonly compacted: number;
}

/** A whole log, as restore() takes it. */
export interface LogDump extends Cursor {
  /** In the order of replay(): each object at `compacted` once, at its revision, then each change after it. */
  readonly records: AsyncIterable<readonly LogRecord[]>;
}

/** What verify() has counted. `records` are objects and changes, `bytes` those of their values. */
export interface Verified {
  readonly records: number;
  readonly bytes: number;
  readonly revision: number;
}

/** A note beside the log, for whoever opens the same data: advisory only, the last one wins. */
export interface Holders {
  read(instance: string): Promise<{ readonly text: string } | undefined>;
  write(instance: string, text: string): Promise<void>;
}

/** An ordered, durable record of changes. Single writer: the holder of the epoch. */
export interface LogPersistenceProvider extends PersistenceProvider, AsyncDisposable {
  /**
   * Takes the next epoch, at least `atLeast`, for the machine given to initialize(); whoever held the one before can append no
   * more.
   *
   * @throws the error that kept initialize() from opening the instance
   */
  claimEpoch(instance: string, atLeast?: number): Promise<Cursor>;
  cursor(instance: string): Promise<Cursor>;
  /**
   * Makes a batch durable as one: all or nothing. The buffer (see encoding.ts) is transferred and must not be used afterwards.
   * Resolves once durable. Revisions must be above the cursor's. After StorageFullError and StorageUnreachableError nothing of
   * it was kept, and the next may succeed.
   *
   * @throws EpochLostError, StorageFullError, StorageUnreachableError, StorageFailedError, CorruptDataError
   */
  append(instance: string, batch: ArrayBuffer): Promise<void>;
  /** As append(), and gives the buffer back, for whoever sends it on; those that cannot do it without a copy do not have it. */
  appendAndReturn?(instance: string, batch: ArrayBuffer): Promise<ArrayBuffer>;
  /**
   * The whole log in revision order: first the state at the compacted revision (objects only), then each change after it.
   * Applied in order it gives the live objects; what is above the compacted revision is also the history.
   *
   * @throws CorruptDataError
   */
  replay(instance: string, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>;
  /**
   * Changes after `revision` in order, up to the newest, for replicas.
   *
   * @throws CompactedError when they are gone, CorruptDataError
   */
  readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]>;
  /** As readFrom(), encoded, at whatever epoch; each buffer is the caller's. Those that would have to encode them do not have it. */
  batchesFrom?(instance: string, revision: number): AsyncIterable<ArrayBuffer>;
  /** Forgets what is no longer needed to show the state at `through` and every change after it; live objects stay. */
  compact(instance: string, through: number): Promise<void>;
  /**
   * Replaces everything by `dump`, all or nothing: until it resolves a crash leaves what was there. Meanwhile writes to the
   * instance are refused with StorageUnreachableError.
   *
   * @throws EpochLostError when the dump's epoch is not the instance's, CorruptDataError for a dump that is none, what its
   *   records throw, and what append() throws
   */
  restore(instance: string, dump: LogDump): Promise<void>;
  /**
   * Puts what is there aside, whole, for a person to look at, and leaves an empty log at the same epoch. Works also for an
   * instance that is Down because it is damaged, and brings it up again.
   *
   * @param epoch what the caller holds; undefined where nobody could claim it because it is damaged: then whoever held it is barred
   * @returns where it is now: a path or URL without secrets
   * @throws EpochLostError when it is at another epoch; nothing was changed then
   */
  setAside(instance: string, epoch: number | undefined): Promise<string>;
  /**
   * Reads and checks everything that is stored, in slices that let batches pass.
   *
   * @throws CorruptDataError naming the first damage
   */
  verify(instance: string, signal: AbortSignal): Promise<Verified>;
  /** Present where several machines may open the same data. Safety rests on the epoch, never on this. */
  readonly holders?: Holders;
}
