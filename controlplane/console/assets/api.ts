// The server's API with the bearer token of whoever is signed in: all that the console can do, it does through this.
import { ApiFailure, failureOf } from './api-failure.ts';
import type { ApiObject, ObjectList } from './api-object.ts';
import { pathOf } from './kinds.ts';
import type { Kind, Place } from './kinds.ts';

export interface ListQuery {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export interface RequestOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export class Api {
  readonly #token: string;
  readonly #onSignedOut: () => void;

  /** @param onSignedOut called when the server does not know the token any more */
  constructor(token: string, onSignedOut: () => void) {
    this.#token = token;
    this.#onSignedOut = onSignedOut;
  }

  /** @throws ApiFailure */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.response(method, path, options);
    return (await response.json()) as T;
  }

  /** @throws ApiFailure */
  async response(
    method: string,
    path: string,
    {
      body,
      contentType = 'application/json',
      accept = 'application/json',
      signal,
    }: RequestOptions = {},
  ): Promise<Response> {
    const response = await send(method, path, {
      headers: {
        Accept: accept,
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'Content-Type': contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.ok) return response;
    if (response.status === 401) this.#onSignedOut();
    throw failureOf(response.status, await response.text());
  }

  list<T extends ApiObject>(
    kind: Kind,
    query: ListQuery,
    signal: AbortSignal,
  ): Promise<ObjectList<T>> {
    return this.request('GET', listPath(kind, query), { signal });
  }

  /** Names, labels and the like, without spec and status. */
  listMetadata(kind: Kind, query: ListQuery, signal: AbortSignal): Promise<ObjectList<ApiObject>> {
    return this.request('GET', listPath(kind, query), { signal, accept: METADATA_ONLY });
  }

  get<T extends ApiObject>(kind: Kind, place: Place, signal?: AbortSignal): Promise<T> {
    const options = signal === undefined ? {} : { signal };
    return this.request('GET', `${pathOf(kind, place)}?${parameters({})}`, options);
  }

  /** A watch: a WebSocket, since a browser has only six other connections to a server. */
  watchSocket(kind: Kind, query: ListQuery, resourceVersion: string): WebSocket {
    const { namespace, labelSelector, fieldSelector } = query;
    const asked = parameters({
      labelSelector,
      fieldSelector,
      resourceVersion,
      watch: 'true',
      allowWatchBookmarks: 'true',
    });
    const url = new URL(`${pathOf(kind, { namespace })}?${asked}`, location.href);
    url.protocol = 'wss:';
    return new WebSocket(url, ['base64.binary.k8s.io', tokenProtocol(this.#token)]);
  }
}

/** A request of nobody in particular. @throws ApiFailure where no answer came */
export async function send(method: string, path: string, init: RequestInit): Promise<Response> {
  const request = { method, cache: 'no-store', credentials: 'omit', ...init } as const;
  try {
    // A browser gives up what is under way when any network of its machine comes or goes: what only asks is asked once more.
    return await fetch(path, request).catch((error: unknown) => {
      if (method !== 'GET' || init.signal?.aborted === true) throw error;
      return fetch(path, request);
    });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiFailure(0, 'Unreachable', 'the server cannot be reached', { cause: error });
  }
}

function listPath(kind: Kind, { namespace, ...query }: ListQuery): string {
  return `${pathOf(kind, { namespace })}?${parameters({ ...query })}`;
}

function parameters(values: Readonly<Record<string, string | number | undefined>>): string {
  // Indented answers are for people who look at them.
  const query = new URLSearchParams({ pretty: 'false' });
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && value !== '') query.set(name, String(value));
  return query.toString();
}

/** How a browser shows a bearer token where it can set no header. */
function tokenProtocol(token: string): string {
  const bytes = new TextEncoder().encode(token);
  const text = btoa(String.fromCharCode(...bytes));
  const url = text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `base64url.bearer.authorization.k8s.io.${url}`;
}
