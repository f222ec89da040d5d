// What the store keeps and tells. The narrow waist between the registry (what a verb means) and durable bytes.
import type { KubernetesObject } from '../api/object.ts';

/** One counter for the whole server, growing with each write; exact below 2^53. On the wire a decimal string. */
export type Revision = number;

/** An object as stored: its JSON encoding and an index of what selectors ask for. Immutable. */
export interface StoredObject {
  /** '' for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The revision of its last write, also in `metadata.resourceVersion` of the bytes. */
  readonly revision: Revision;
  /** UTF-8 JSON that starts with `{"kind":"K","apiVersion":"V",` in exactly this order, then the other fields. */
  readonly bytes: Buffer;
  readonly labels: Readonly<Record<string, string>>;
  /** Values of the resource's selectable fields beyond name and namespace. */
  readonly fields: Readonly<Record<string, string>>;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** A change of one object. For DELETED, `object` is its last state with the revision of the deletion. */
export interface StoreEvent {
  readonly type: WatchEventType;
  readonly revision: Revision;
  readonly object: StoredObject;
  /** The state before, absent for ADDED: what selector transitions are decided on. */
  readonly previous?: StoredObject | undefined;
  /** Encoded forms, made once for all watchers: representation name → frame. Filled by the HTTP layer. */
  readonly frames: Map<string, Buffer>;
}

export interface WriteOptions {
  /** Storage key of the resource, e.g. `core/pods`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * 0: must not exist (else KeyExistsError). A revision: must be exactly that one (else RevisionConflictError),
   * judged against the newest write in flight, not only the newest durable one.
   */
  readonly expectedRevision: Revision;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /** Keeps the objects for which it returns true; sees index data only, unless it parses the bytes. */
  readonly matches?: (object: StoredObject) => boolean;
  /** At most so many items; 0 or absent: all. */
  readonly limit?: number;
  /** Exactly the state at this revision, from history; else the newest. Throws ApiError Expired when history no longer reaches. */
  readonly exactRevision?: Revision;
  /** Start after this position, from a continue token. */
  readonly startAfter?: { readonly namespace: string; readonly name: string };
}

export interface ListResult {
  /** In order of namespace, then name. */
  readonly items: readonly StoredObject[];
  /** The revision that the list shows. */
  readonly revision: Revision;
  /** Present when there is more: the position to go on after. */
  readonly next?: { readonly namespace: string; readonly name: string };
  /** How many are left after `items`; only when no filter was given. */
  readonly remaining?: number;
}

/** Receives events in revision order. Called synchronously right after a batch is durable: must not block or throw. */
export interface WatchSink {
  events(events: readonly StoreEvent[]): void;
  /** The store is closing, or history was lost: no more events will come. */
  closed(): void;
}

export interface Subscription {
  close(): void;
}

export interface Store {
  /** The newest durable, visible revision. */
  readonly revision: Revision;
  /** Tells the store how to index a resource. Objects loaded before are indexed when first asked for. */
  register(
    resource: string,
    selectableFields: Readonly<Record<string, (object: KubernetesObject) => string>>,
  ): void;
  get(resource: string, namespace: string, name: string): StoredObject | undefined;
  list(resource: string, options: ListOptions): ListResult;
  /** Number of objects of a resource. */
  count(resource: string): number;
  /**
   * Writes `object` (the store sets metadata.resourceVersion) and resolves once it is durable and visible.
   * The object must not be touched afterwards. The check and the queueing happen before the call returns; a refusal that rests on a
   * write which is not durable yet is told when that one is.
   *
   * @throws KeyExistsError, RevisionConflictError, StorageUnavailableError (all as rejections)
   */
  put(options: WriteOptions, object: KubernetesObject): Promise<StoredObject>;
  /** Removes; `object` is the last state to show to watchers. Resolves with that state at the deletion's revision. */
  delete(options: WriteOptions, object: KubernetesObject): Promise<StoredObject>;
  /** Resolves when no write of this key is in flight any more; for read-modify-write loops after a conflict. */
  settled(resource: string, namespace: string, name: string): Promise<void>;
  /** Resolves when every write that was submitted before is decided. */
  drained(): Promise<void>;
  /**
   * Events of a resource after revision `since`, first those from history (synchronously, before this returns), then live.
   *
   * @throws ApiError Expired `too old resource version: S (oldest)` when history no longer reaches back to `since`
   */
  watch(resource: string, since: Revision, sink: WatchSink): Subscription;
  /** Resolves when the revision is at least `revision`, or rejects with the signal's reason. */
  reached(revision: Revision, signal: AbortSignal): Promise<void>;
}
