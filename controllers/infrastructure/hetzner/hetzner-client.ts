// The HTTP API of Hetzner Cloud, as far as nodes need it: https://docs.hetzner.cloud.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { CredentialsRefused, ProviderUnavailable } from '../errors.ts';
import {
  listInAnswer,
  objectInAnswer,
  objectInRefusal,
  shortMessage,
  textOfAnswer,
} from '../http-answer.ts';
import type { Labels } from '../label-scheme.ts';
import { hasCode, HetznerError, withRetries } from './hetzner-error.ts';

export const DEFAULT_ENDPOINT = 'https://api.hetzner.cloud/v1';

/** What all things of the API have that we use. */
export interface Thing {
  readonly id: number;
  readonly name: string;
  readonly labels: Labels;
}

export interface Action {
  readonly id: number;
  readonly status: 'running' | 'success' | 'error';
  readonly error?: { readonly code: string; readonly message: string } | null;
}

export interface HetznerClientOptions {
  readonly endpoint?: string;
  readonly token: string;
  readonly clock: Clock;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const PER_PAGE = 50;
/** More pages than any project has servers for. */
const MOST_PAGES = 1_000;
const POLL_MS = 1_000;
const PATIENT_ATTEMPTS = 5;
/** Above this we do not wait for a limit to be lifted, but fail. */
const LONGEST_RATE_WAIT_MS = 60_000;

export class HetznerClient {
  readonly #endpoint: string;
  readonly #token: string;
  readonly #clock: Clock;

  constructor({ endpoint = DEFAULT_ENDPOINT, token, clock }: HetznerClientOptions) {
    this.#endpoint = endpoint.replace(/\/+$/, '');
    this.#token = token;
    this.#clock = clock;
  }

  /** Again while the refusal may pass. */
  ask<T>(method: Method, path: string, signal: AbortSignal, body?: object): Promise<T> {
    const options = { attempts: PATIENT_ATTEMPTS, clock: this.#clock, signal };
    return withRetries(options, () => this.askOnce<T>(method, path, signal, body));
  }

  /** @throws HetznerError with the API's code. CredentialsRefused; ProviderUnavailable when nothing answers */
  async askOnce<T>(method: Method, path: string, signal: AbortSignal, body?: object): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#endpoint}${path}`, {
        method,
        signal,
        redirect: 'error',
        headers: {
          authorization: `Bearer ${this.#token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await textOfAnswer('hetzner', response);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ProviderUnavailable) throw error;
      throw new ProviderUnavailable('hetzner', `no answer from ${this.#endpoint}: ${whyOf(error)}`);
    }
    if (response.ok) return objectInAnswer('hetzner', text) as T;
    throw this.#refusal(response, objectInRefusal(text));
  }

  /** All of a kind that match, page by page. @param query as `label_selector=a%3Db` */
  async list<T extends Thing>(
    path: string,
    key: string,
    query: string,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const found = new Map<number, T>();
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const answer = await this.ask<Page>(
        'GET',
        `${path}?${query}${query === '' ? '' : '&'}page=${page}&per_page=${PER_PAGE}`,
        signal,
      );
      // A thing may move to the next page while we read.
      for (const thing of listInAnswer('hetzner', answer, key) as readonly T[])
        found.set(thing.id, thing);
      if (answer.meta?.pagination?.next_page == null) break;
    }
    return [...found.values()];
  }

  /** The one of that name, if any. */
  async named<T extends Thing>(
    path: string,
    key: string,
    name: string,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const found = await this.list<T>(path, key, `name=${encodeURIComponent(name)}`, signal);
    return found.find((thing) => thing.name === name);
  }

  /** Resolves when all have succeeded. @throws HetznerError with the code of the first that did not */
  async finished(
    actions: readonly (Action | null | undefined)[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const begun of actions) {
      let action = begun;
      while (action?.status === 'running') {
        await sleep(this.#clock, POLL_MS, signal);
        ({ action } = await this.ask<{ readonly action: Action }>(
          'GET',
          `/actions/${action.id}`,
          signal,
        ));
      }
      if (action?.status === 'error') {
        const { code = 'action_failed', message = 'the action failed' } = action.error ?? {};
        throw new HetznerError(code, message);
      }
    }
  }

  /** Deletes and waits for it; gone already is fine. */
  async remove(path: string, signal: AbortSignal): Promise<void> {
    const canPass = (error: unknown): boolean =>
      hasCode(
        error,
        'resource_in_use',
        'locked',
        'conflict',
        'rate_limit_exceeded',
        'service_error',
        'server_error',
      );
    const options = { attempts: PATIENT_ATTEMPTS, clock: this.#clock, signal, canPass };
    try {
      const { action } = await withRetries(options, () =>
        this.askOnce<{ readonly action?: Action }>('DELETE', path, signal),
      );
      await this.finished([action], signal);
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error;
    }
  }

  #refusal(
    response: Response,
    parsed: { readonly error?: Partial<RefusalBody> } | undefined,
  ): Error {
    const { code = codeOfStatus(response.status), message = response.statusText } =
      parsed?.error ?? {};
    if (code === 'unauthorized' || response.status === 401)
      return new CredentialsRefused('hetzner', 'the API says that the token is not valid');
    if (code === 'token_readonly')
      return new CredentialsRefused('hetzner', 'the token may only read');
    // Whatever the other side writes: our token stays out of messages.
    const safe = shortMessage(message.replaceAll(this.#token, '…'));
    return new HetznerError(
      code,
      safe,
      response.status === 429 ? this.#waitOf(response) : undefined,
    );
  }

  /** The header has the Unix time in seconds at which there are requests again. */
  #waitOf(response: Response): number | undefined {
    const reset = Number(response.headers.get('ratelimit-reset') ?? Number.NaN);
    if (!Number.isFinite(reset)) return undefined;
    return Math.min(LONGEST_RATE_WAIT_MS, Math.max(0, reset * 1000 - this.#clock.now()));
  }
}

interface RefusalBody {
  readonly code: string;
  readonly message: string;
}

interface Page {
  readonly [key: string]: unknown;
  readonly meta?: { readonly pagination?: { readonly next_page?: number | null } };
}

function codeOfStatus(status: number): string {
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limit_exceeded';
  if (status === 502 || status === 503) return 'bad_gateway';
  if (status === 504) return 'timeout';
  return status >= 500 ? 'server_error' : 'invalid_input';
}

/** fetch() hides why in the cause. */
function whyOf(error: unknown): string {
  const { cause, message } = error as {
    readonly cause?: { readonly code?: unknown };
    readonly message?: string;
  };
  return typeof cause?.code === 'string' ? cause.code : (message ?? 'unknown');
}
