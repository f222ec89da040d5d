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
  /** Opens connections and files. An instance that cannot be opened is Down afterwards; the others work. */
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

/** An ordered, durable record of changes. Single writer: the holder of the epoch. */
export interface LogPersistenceProvider extends PersistenceProvider, AsyncDisposable {
  /**
   * Takes the next epoch for the machine given to initialize(); whoever held the one before can append no more.
   *
   * @throws the error that kept initialize() from opening the instance
   */
  claimEpoch(instance: string): Promise<Cursor>;
  cursor(instance: string): Promise<Cursor>;
  /**
   * Makes a batch durable as one: all or nothing. The buffer (see encoding.ts) is transferred and must not be used afterwards.
   * Resolves once durable. Revisions must be above the cursor's.
   *
   * @throws EpochLostError, StorageFullError, StorageFailedError, CorruptDataError
   */
  append(instance: string, batch: ArrayBuffer): Promise<void>;
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
  /** Forgets what is no longer needed to show the state at `through` and every change after it; live objects stay. */
  compact(instance: string, through: number): Promise<void>;
}
