// The client of the API server: client-types.ts over HTTPS, through one undici Agent with kept-alive connections (client-node's own
// clients open one per call). Every request has a deadline; a watch has one beyond the timeout that the server was asked for, so that
// a half-open connection cannot blind an informer for ever.
import { Agent, ProxyAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '#platform/clock.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { clientMetrics } from './client-metrics.ts';
import type { ClientMetrics } from './client-metrics.ts';
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
import type { Connection } from './kubeconfig.ts';
import { ConnectionError, isExpired, requestErrorOf } from './request-error.ts';
import { apiVersionOf, collectionPath, objectPath, withQuery } from './resource-path.ts';
import { parseWatchEvent, splitLines } from './watch-stream.ts';

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
  /** Least duration of a watch, asked of the server; 300 s by default, and up to twice as long. */
  readonly watchTimeoutSeconds?: number;
}

const PAGE_SIZE = 500;
/** How long after its own timeout the server may stay silent before a watch counts as half-open. */
const WATCH_GRACE_MS = 30_000;
/** Token files and exec plugins are asked again after this time (the plugins' own caches answer). */
const HEADERS_MAX_AGE_MS = 60_000;

const PATCH_CONTENT_TYPES: Readonly<Record<ClientPatchType, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

const JSON_BODY = { 'content-type': 'application/json' };

interface Answer {
  readonly path: string;
  readonly response: Dispatcher.ResponseData;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One API server as one identity. Close it to give the sockets back. */
export class HttpClient implements Client, AsyncDisposable {
  readonly #connection: Connection;
  readonly #dispatcher: Dispatcher;
  readonly #clock: Clock;
  readonly #metrics: ClientMetrics;
  readonly #userAgent: string;
  readonly #random: () => number;
  readonly #requestTimeoutMs: number;
  readonly #watchTimeoutSeconds: number;
  readonly #fieldValidation: ClientOptions['fieldValidation'];
  #headers: Readonly<Record<string, string>> | undefined;
  #headersReadAt = 0;

  constructor(options: ClientOptions) {
    this.#connection = options.connection;
    this.#dispatcher = createDispatcher(options.connection);
    this.#clock = options.clock;
    this.#metrics = clientMetrics(options.metrics);
    this.#userAgent = options.userAgent;
    this.#random = options.random;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#fieldValidation = options.fieldValidation;
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
    const deadline = this.#deadline(timeoutSeconds * 1000 + WATCH_GRACE_MS, 'GET', path, signal);
    try {
      const headers = acceptHeader(selectors, 'PartialObjectMetadata');
      const { response } = await this.#send('GET', path, undefined, headers, deadline.signal);
      for await (const line of splitLines(response.body)) yield parseWatchEvent<T>(line, path);
    } catch (error) {
      throw this.#translate(error, path, signal, deadline.signal);
    } finally {
      deadline.end();
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

  /** Ends open requests and watches. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  #written(path: string): string {
    return withQuery(path, { fieldValidation: this.#fieldValidation });
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
      items.push(...page.items);
      next = page.metadata.continue;
      if (next === undefined || next === '') {
        return { metadata: { resourceVersion: page.metadata.resourceVersion }, items };
      }
    }
  }

  async #json<T = unknown>(
    method: Method,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    headers: Readonly<Record<string, string>> = JSON_BODY,
  ): Promise<T> {
    const deadline = this.#deadline(this.#requestTimeoutMs, method, path, signal);
    try {
      const encoded = body === undefined ? undefined : JSON.stringify(body);
      const { response } = await this.#send(method, path, encoded, headers, deadline.signal);
      return (await response.body.json()) as T;
    } catch (error) {
      throw this.#translate(error, path, signal, deadline.signal);
    } finally {
      deadline.end();
    }
  }

  /** Sends and waits for the head of the answer. @throws RequestError for any status but 2xx */
  async #send(
    method: Method,
    path: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { server } = this.#connection;
    const url = server.pathname === '/' ? path : `${server.pathname.replace(/\/$/, '')}${path}`;
    const started = this.#clock.monotonic();
    let code = '<error>';
    try {
      const response = await request(new URL(url, server), {
        dispatcher: this.#dispatcher,
        method,
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(await this.#authentication()),
          ...headers,
        },
        body: body ?? null,
        signal,
      });
      code = String(response.statusCode);
      if (response.statusCode >= 200 && response.statusCode < 300) return { path, response };
      // A refused token may have been rotated: the next request reads it again.
      if (response.statusCode === 401) this.#headers = undefined;
      const text = await response.body.text();
      throw requestErrorOf(response.statusCode, parseJSON(text), method, path);
    } finally {
      this.#metrics.observe(method, server.host, code, (this.#clock.monotonic() - started) / 1000);
    }
  }

  async #authentication(): Promise<Readonly<Record<string, string>>> {
    const now = this.#clock.monotonic();
    if (this.#headers === undefined || now - this.#headersReadAt > HEADERS_MAX_AGE_MS) {
      this.#headers = await this.#connection.headers();
      this.#headersReadAt = now;
    }
    return this.#headers;
  }

  #deadline(
    timeoutMs: number,
    method: Method,
    path: string,
    signal: AbortSignal,
  ): { readonly signal: AbortSignal; end(): void } {
    const timeout = new AbortController();
    const cancel = this.#clock.schedule(timeoutMs, () => {
      const seconds = Math.round(timeoutMs / 1000);
      timeout.abort(
        new ConnectionError(`${method} ${path}: no end of the answer within ${seconds} s`),
      );
    });
    return { signal: AbortSignal.any([signal, timeout.signal]), end: cancel };
  }

  /** The caller's own abort reason first, then our deadline, then what the server or the socket said. */
  #translate(error: unknown, path: string, caller: AbortSignal, deadline: AbortSignal): unknown {
    if (caller.aborted) return caller.reason;
    if (deadline.aborted) return deadline.reason;
    if (
      error instanceof Error &&
      (error.name === 'RequestError' || error.name === 'ConnectionError')
    ) {
      return error;
    }
    const why = error instanceof Error ? error.message : String(error);
    return new ConnectionError(
      `Cannot reach ${this.#connection.server.host}${path}: ${why}`,
      error,
    );
  }
}

function createDispatcher({ tls, proxy }: Connection): Dispatcher {
  // HTTP/2 in Node measured slower, and its one connection would let a large list delay every watch.
  const shared = { allowH2: false, bodyTimeout: 0, headersTimeout: 0, keepAliveTimeout: 30_000 };
  switch (proxy?.type) {
    case undefined:
      return new Agent({ ...shared, connect: tls });
    case 'http':
      return new ProxyAgent({ ...shared, uri: proxy.uri, requestTls: tls });
    case 'socks':
      throw new Error(
        `Cannot use the proxy ${proxy.uri}: SOCKS is not supported; use an HTTP proxy`,
      );
  }
}

function acceptHeader({ metadataOnly = false }: Selectors, as: string): Record<string, string> {
  return metadataOnly
    ? { accept: `application/json;as=${as};g=meta.k8s.io;v=v1,application/json` }
    : {};
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
