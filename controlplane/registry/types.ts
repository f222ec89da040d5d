// The verbs of the API as the HTTP layer calls them. One implementation: registry.ts.
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { UserInfo } from '../api/user.ts';
import type { StoredObject } from '../store/types.ts';

export type { UserInfo } from '../api/user.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** What every write carries besides its object. */
export interface WriteContext {
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly fieldManager: string;
  /** The server's own write, which no webhook or policy is asked about. */
  readonly isInternal?: boolean;
  /** `fieldManager`, `fieldValidation` and `dryRun` as the client gave them, for those who are shown the request. */
  readonly sentOptions?: Readonly<Record<string, unknown>>;
  /** Throws when the user may not create: called where an update or an apply makes what is not there. */
  readonly permitCreate?: () => void;
  /** A definition of this release, which a test has found valid: not looked at again. */
  readonly isProven?: true;
  /** Adds a `Warning: 299` header to the answer. */
  /** When the answer must be there, on the clock's monotonic scale. */
  readonly deadline?: number;
  warn(text: string): void;
  /** Adds to what an audit log says of the request; the first value of a key stays. */
  annotate?(key: string, value: string): void;
  readonly signal: AbortSignal;
}

/** A decoded body and what strict decoding had to say, e.g. `unknown field "spec.foo"`, `duplicate field "x"`. */
export interface DecodedObject {
  readonly object: KubernetesObject;
  readonly problems: readonly string[];
}

/** Whether a write records who set what (`tracked`), leaves the records as they are (`kept`), or brings them with it (`given`). */
export type Ownership = 'tracked' | 'kept' | 'given';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface PatchRequest {
  readonly type: PatchType;
  /** The parsed patch: an array of operations for `json`, else an object. */
  readonly patch: unknown;
  /** Duplicate fields found in the patch body. */
  readonly problems: readonly string[];
  /** Of an apply: takes fields from their owners instead of refusing. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Name, namespace and definition: where a request points. */
export interface Target {
  readonly definition: ResourceDefinition;
  /** '' for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

export interface WriteResult {
  readonly stored: StoredObject;
  /** True when an update or apply made the object. */
  readonly created: boolean;
}

export interface DeleteResult {
  /** The object's last or terminating state. */
  readonly stored: StoredObject;
  /** False when finalizers or a grace period keep it for now. */
  readonly removed: boolean;
}

export interface CollectionSelector {
  readonly matches?: (object: StoredObject) => boolean;
  /** At most so many; 0 or absent: all. */
  readonly limit?: number;
  /** Only what comes after this one. */
  readonly startAfter?: { readonly namespace: string; readonly name: string };
}

export interface CollectionResult {
  /** What each deletion returned. */
  readonly results: readonly DeleteResult[];
  /** Of the list that was deleted. */
  readonly revision: number;
  /** Present when a limit left some: the position behind which they begin. */
  readonly next?: { readonly namespace: string; readonly name: string };
  readonly remaining?: number;
}

/** All methods throw (or reject with) ApiError. A dry run returns what would have been stored and writes nothing. */
export interface Registry {
  /**
   * What is stored as the version of `definition` shows it, in the same order: those that need a webhook for it converted, and known
   * to whoever decodes them from then on.
   */
  show(
    definition: ResourceDefinition,
    items: readonly StoredObject[],
    signal?: AbortSignal,
  ): Promise<readonly StoredObject[]>;
  create(
    definition: ResourceDefinition,
    namespace: string,
    body: DecodedObject,
    context: WriteContext,
  ): Promise<StoredObject>;
  /** @param subresource '' or `status` */
  update(
    target: Target,
    subresource: string,
    body: DecodedObject,
    context: WriteContext,
  ): Promise<WriteResult>;
  patch(
    target: Target,
    subresource: string,
    patch: PatchRequest,
    context: WriteContext,
  ): Promise<WriteResult>;
  delete(target: Target, options: DeleteOptions, context: WriteContext): Promise<DeleteResult>;
  /** Deletes one by one. */
  deleteCollection(
    definition: ResourceDefinition,
    namespace: string | undefined,
    selector: CollectionSelector,
    options: DeleteOptions,
    context: WriteContext,
  ): Promise<CollectionResult>;
  /** `autoscaling/v1` Scale of an object. */
  getScale(target: Target): KubernetesObject;
  updateScale(
    target: Target,
    body: DecodedObject,
    context: WriteContext,
  ): Promise<KubernetesObject>;
  patchScale(target: Target, patch: PatchRequest, context: WriteContext): Promise<KubernetesObject>;
  /** POST to a subresource with a meaning of its own (pods/binding, pods/eviction, serviceaccounts/token …): returns the body of the 201 answer. */
  connect(
    target: Target,
    subresource: string,
    body: DecodedObject,
    context: WriteContext,
  ): Promise<unknown>;
  /**
   * Asks webhooks and policies about a request whose object is stored nowhere: a review, a token, a stream of a Pod.
   *
   * @returns the object as they want it
   */
  admit(
    operation: 'CREATE' | 'CONNECT',
    target: Target,
    subresource: string,
    object: KubernetesObject,
    context: WriteContext,
  ): Promise<KubernetesObject>;
}
