// The client of the API server: client-types.ts over HTTPS, through kept-alive connections (client-node's own
// clients open one per call). Every request has a deadline; a watch may not be silent for long, so that a half-open connection
// cannot blind an informer.
import type { Clock } from '#platform/clock.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import type {
  ApiObject,
  ApiResource,
  Client,
  ClientPatchType,
  ClientWatchEvent,
  DeleteRequest,
  ObjectList,
  Selectors,
} from './client-types.ts';
import { Deadline } from './deadline.ts';
import { HttpTransport } from './http-transport.ts';
import type { TransportRequest } from './http-transport.ts';
import type { Connection } from './kubeconfig.ts';
import { ConnectionError, isExpired, RequestError } from './request-error.ts';
import { apiVersionOf, collectionPath, objectPath, withQuery } from './resource-path.ts';
import { parseWatchEvent, splitLines } from './watch-stream.ts';
import { acceptHeader, BYTES_BODY, JSON_BODY, PATCH_CONTENT_TYPES } from './request-headers.ts';

export interface ClientOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** `windlass-controllers/0.1.0`; the server logs and audits it. */
  readonly userAgent: string;
  /** In [0, 1): spreads the ends of watches. */
  readonly random: () => number;
  /** Deadline of everything but watches; 30 s by default. */
  readonly requestTimeoutMs?: number;
  /** What the server does with fields that it does not know in what is written; its own default (`Warn`) when absent. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Writes are judged by the server and answered as if done, and nothing is stored. */
  readonly dryRun?: boolean;
  /** Least duration of a watch, asked of the server; 300 s by default, and up to twice as long. */
  readonly watchTimeoutSeconds?: number;
}

const PAGE_SIZE = 500;
/** How long after its own timeout the server may stay silent before a watch counts as half-open. */
const WATCH_GRACE_MS = 30_000;
/** A server that lives sends a bookmark each minute; where it does not know bookmarks, the watch is asked for anew, no more. */
const WATCH_SILENCE_MS = 90_000;
/** One API server as one identity. Close it to give the sockets back. */
export class HttpClient implements Client, AsyncDisposable {
  readonly #host: string;
  readonly #transport: HttpTransport;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #requestTimeoutMs: number;
  readonly #watchTimeoutSeconds: number;
  readonly #fieldValidation: ClientOptions['fieldValidation'];
  readonly #isDryRun: boolean;

  constructor(options: ClientOptions) {
    this.#host = options.connection.server.host;
    this.#transport = new HttpTransport(options);
    this.#clock = options.clock;
    this.#random = options.random;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#fieldValidation = options.fieldValidation;
    this.#isDryRun = options.dryRun ?? false;
    this.#watchTimeoutSeconds = options.watchTimeoutSeconds ?? 300;
  }

  get<T extends ApiObject>(
    resource: ApiResource,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#json<T>('GET', objectPath(resource, namespace, name), signal);
  }

  async list<T extends ApiObject>(
    resource: ApiResource,
    selectors: Selectors,
    signal: AbortSignal,
  ): Promise<ObjectList<T>> {
    try {
      return await this.#listPages<T>(resource, selectors, PAGE_SIZE, signal);
    } catch (error) {
      // The continue token outlived the server's history: one answer without pages cannot.
      if (!isExpired(error)) throw error;
      return this.#listPages<T>(resource, selectors, undefined, signal);
    }
  }

  async *watch<T extends ApiObject>(
    resource: ApiResource,
    selectors: Selectors,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncGenerator<ClientWatchEvent<T>> {
    const timeoutSeconds = Math.round(this.#watchTimeoutSeconds * (1 + this.#random()));
    const path = withQuery(collectionPath(resource, selectors.namespace ?? ''), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds,
      labelSelector: selectors.labelSelector,
      fieldSelector: selectors.fieldSelector,
    });
    const endMs = timeoutSeconds * 1000 + WATCH_GRACE_MS;
    const end = new Deadline(this.#clock, endMs, `GET ${path}: goes on beyond its timeout`);
    const silence = new Deadline(
      this.#clock,
      WATCH_SILENCE_MS,
      `GET ${path}: not a word for ${WATCH_SILENCE_MS / 1000} s`,
    );
    const lifetime = AbortSignal.any([signal, end.signal, silence.signal]);
    try {
      const headers = acceptHeader(selectors, 'PartialObjectMetadata');
      const body = await this.#transport.open({ method: 'GET', path, headers }, lifetime);
      for await (const line of splitLines(body)) {
        silence.extend();
        yield parseWatchEvent<T>(line, path);
        // However long the reader took, that was not the server's silence.
        silence.extend();
      }
    } catch (error) {
      throw this.#translate(error, path, signal, overOf(lifetime));
    } finally {
      end.end();
      silence.end();
    }
  }

  create<T extends ApiObject>(
    resource: ApiResource,
    namespace: string,
    object: object,
    signal: AbortSignal,
  ): Promise<T> {
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    return this.#json<T>('POST', this.#written(collectionPath(resource, namespace)), signal, body);
  }

  update<T extends ApiObject>(
    resource: ApiResource,
    object: T,
    subresource: string,
    signal: AbortSignal,
  ): Promise<T> {
    const { namespace = '', name } = object.metadata;
    const path = objectPath(resource, namespace, name, subresource);
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
    return this.#json<T>('PUT', this.#written(path), signal, body);
  }

  patch<T extends ApiObject>(
    resource: ApiResource,
    namespace: string,
    name: string,
    subresource: string,
    type: ClientPatchType,
    patch: unknown,
    signal: AbortSignal,
  ): Promise<T> {
    const path = objectPath(resource, namespace, name, subresource);
    return this.#json<T>('PATCH', this.#written(path), signal, patch, {
      'content-type': PATCH_CONTENT_TYPES[type],
    });
  }

  async delete(
    resource: ApiResource,
    namespace: string,
    name: string,
    { uid, resourceVersion, ...options }: DeleteRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    await this.#json('DELETE', objectPath(resource, namespace, name), signal, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...options,
      ...(this.#isDryRun ? { dryRun: ['All'] } : {}),
      ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    });
  }

  connect(
    resource: ApiResource,
    namespace: string,
    name: string,
    subresource: string,
    body: object,
    signal: AbortSignal,
  ): Promise<unknown> {
    return this.#json('POST', objectPath(resource, namespace, name, subresource), signal, body);
  }

  getPath(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#json('GET', path, signal);
  }

  /** POST of bytes, answered with JSON. */
  postBytes(path: string, body: Uint8Array, signal: AbortSignal): Promise<unknown> {
    return this.#json('POST', path, signal, body, BYTES_BODY);
  }

  /** An answer that is text, such as a log. */
  getText(path: string, signal: AbortSignal): Promise<string> {
    return this.#read({ method: 'GET', path }, signal, (text) => text);
  }

  /** An answer that comes as it is made, such as a log that is followed; no deadline once it has begun. */
  async *streamText(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for await (const chunk of this.streamBytes(path, signal))
      yield decoder.decode(chunk, { stream: true });
  }

  async *streamBytes(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* await this.#transport.open({ method: 'GET', path }, signal);
    } catch (error) {
      throw this.#translate(error, path, signal, {});
    }
  }

  /** Ends open requests and watches. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  #written(path: string): string {
    const dryRun = this.#isDryRun ? 'All' : undefined;
    return withQuery(path, { fieldValidation: this.#fieldValidation, dryRun });
  }

  async #listPages<T extends ApiObject>(
    resource: ApiResource,
    selectors: Selectors,
    limit: number | undefined,
    signal: AbortSignal,
  ): Promise<ObjectList<T>> {
    const { namespace = '', labelSelector, fieldSelector } = selectors;
    const headers = acceptHeader(selectors, 'PartialObjectMetadataList');
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const query = { limit, continue: next, labelSelector, fieldSelector };
      const path = withQuery(collectionPath(resource, namespace), query);
      // Pages follow each other by their tokens, so they cannot be asked for at once.
      const page = await this.#json<ObjectList<T>>('GET', path, signal, undefined, headers);
      // An empty list of metadata is null on Kubernetes' server: Go writes a slice that was never made so.
      items.push(...((page.items as readonly T[] | null) ?? []));
      next = page.metadata.continue;
      if (next === undefined || next === '') {
        return { metadata: { resourceVersion: page.metadata.resourceVersion }, items };
      }
    }
  }

  #json<T = unknown>(
    method: TransportRequest['method'],
    path: string,
    signal: AbortSignal,
    body?: unknown,
    headers: Readonly<Record<string, string>> = JSON_BODY,
  ): Promise<T> {
    const encoded = body instanceof Uint8Array ? body : JSON.stringify(body);
    const parse = (text: string): T => JSON.parse(text) as T;
    return this.#read({ method, path, body: encoded, headers }, signal, parse);
  }

  async #read<T>(
    request: TransportRequest,
    signal: AbortSignal,
    parse: (text: string) => T,
  ): Promise<T> {
    const { method, path } = request;
    const timeoutMs = this.#requestTimeoutMs;
    const message = `${method} ${path}: no end of the answer within ${Math.round(timeoutMs / 1000)} s`;
    const deadline = new Deadline(this.#clock, timeoutMs, message, signal);
    try {
      return parse(await this.#transport.send(request, deadline));
    } catch (error) {
      throw this.#translate(error, path, signal, deadline);
    } finally {
      deadline.end();
    }
  }

  /** The caller's own abort reason first, then our deadline, then what the server or the socket said. */
  #translate(
    error: unknown,
    path: string,
    caller: AbortSignal,
    { over }: Partial<Pick<Deadline, 'over'>>,
  ): unknown {
    if (caller.aborted) return caller.reason;
    if (over !== undefined) return over.reason;
    if (error instanceof RequestError || error instanceof ConnectionError) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new ConnectionError(`Cannot reach ${this.#host}${path}: ${why}`, error);
  }
}

function overOf({ aborted, reason }: AbortSignal): Pick<Deadline, 'over'> {
  return { over: aborted ? { reason: reason as unknown } : undefined };
}
