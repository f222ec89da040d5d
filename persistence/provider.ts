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
  /** The newest durable revision; 0 for an empty log. */
  readonly revision: number;
}

/** An ordered, durable record of changes. Single writer: the holder of the epoch. */
export interface LogPersistenceProvider extends PersistenceProvider, AsyncDisposable {
  /** Takes the next epoch; whoever held the one before can append no more (EpochLostError). */
  claimEpoch(instance: string, machineId: MachineId): Promise<Cursor>;
  cursor(instance: string): Promise<Cursor>;
  /**
   * Makes a batch durable as one: all or nothing. The buffer (see encoding.ts) is transferred and must not be used afterwards.
   * Resolves once durable.
   *
   * @throws EpochLostError, StorageFullError, StorageFailedError
   */
  append(instance: string, batch: ArrayBuffer): Promise<void>;
  /** All live objects in revision order, in chunks; then nothing. */
  replay(instance: string, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>;
  /** Changes after `revision` in order, for watch history and replicas; throws CompactedError when they are gone. */
  readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]>;
  /** Forgets superseded values at or before `through`; live objects stay. */
  compact(instance: string, through: number): Promise<void>;
}
