// The narrow port through which every controller and agent talks to the API server. client.ts implements it over HTTPS;
// unit tests put an in-memory one in its place.

/** What a controller must know of a kind to build its URLs. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** The least that all objects have; kinds add their own interfaces (client-node's V1… types are `import type` only). */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
      readonly controller?: boolean;
      readonly blockOwnerDeletion?: boolean;
    }[];
  };
}

export interface ObjectList<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

export interface Selectors {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Asks for metadata only (PartialObjectMetadata); a server may send whole objects all the same. */
  readonly metadataOnly?: boolean;
}

export type ClientWatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export type ClientPatchType = 'merge' | 'json' | 'strategic';

export interface DeleteRequest {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Deletes only the object with this uid (else a Conflict). */
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/**
 * All methods reject with RequestError (machinery/request-error.ts) for an answer of the server other than success, and
 * with the signal's reason when aborted. `subresource` is `''` or `status`, `scale` ….
 */
export interface Client {
  get<T extends ApiObject>(
    resource: ApiResource,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<T>;
  /** One page after another until complete. */
  list<T extends ApiObject>(
    resource: ApiResource,
    selectors: Selectors,
    signal: AbortSignal,
  ): Promise<ObjectList<T>>;
  /** From just after `resourceVersion`; ends without error at the server's timeout. An ERROR event rejects as RequestError (410 …). */
  watch<T extends ApiObject>(
    resource: ApiResource,
    selectors: Selectors,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncIterable<ClientWatchEvent<T>>;
  create<T extends ApiObject>(
    resource: ApiResource,
    namespace: string,
    object: object,
    signal: AbortSignal,
  ): Promise<T>;
  update<T extends ApiObject>(
    resource: ApiResource,
    object: T,
    subresource: string,
    signal: AbortSignal,
  ): Promise<T>;
  patch<T extends ApiObject>(
    resource: ApiResource,
    namespace: string,
    name: string,
    subresource: string,
    type: ClientPatchType,
    patch: unknown,
    signal: AbortSignal,
  ): Promise<T>;
  delete(
    resource: ApiResource,
    namespace: string,
    name: string,
    request: DeleteRequest,
    signal: AbortSignal,
  ): Promise<void>;
  /** POST to a subresource: `pods/x/binding`. */
  connect(
    resource: ApiResource,
    namespace: string,
    name: string,
    subresource: string,
    body: object,
    signal: AbortSignal,
  ): Promise<unknown>;
  /** GET of a path outside the resource grammar, parsed as JSON: `/apis`, `/version`. */
  getPath(path: string, signal: AbortSignal): Promise<unknown>;
  /** GET of a path whose answer is text, such as a log. */
  getText(path: string, signal: AbortSignal): Promise<string>;
}
