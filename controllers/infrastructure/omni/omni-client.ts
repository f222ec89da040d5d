// The resources of Omni over its HTTP gateway: POST of gRPC's method below /api, JSON in and out.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { CredentialsRefused, InfrastructureError, ProviderUnavailable } from '../errors.ts';
import { objectInAnswer, objectInRefusal, shortMessage, textOfAnswer } from '../http-answer.ts';
import type { Labels } from '../label-scheme.ts';
import type { OmniSigner } from './omni-signer.ts';

export interface OmniResource {
  readonly id: string;
  readonly type: string;
  readonly version: string;
  readonly labels: Labels;
  readonly isTearingDown: boolean;
  readonly finalizers: readonly string[];
  readonly spec: Readonly<Record<string, unknown>>;
}

export const OMNI_TYPES = {
  cluster: 'Clusters.omni.sidero.dev',
  clusterStatus: 'ClusterStatuses.omni.sidero.dev',
  machineStatus: 'MachineStatuses.omni.sidero.dev',
  machineSet: 'MachineSets.omni.sidero.dev',
  machineSetNode: 'MachineSetNodes.omni.sidero.dev',
  clusterMachineStatus: 'ClusterMachineStatuses.omni.sidero.dev',
  talosVersion: 'TalosVersions.omni.sidero.dev',
} as const;

/** A refusal, by the name of gRPC's code: `NotFound`, `AlreadyExists`, … */
export class OmniError extends InfrastructureError {
  override readonly reason = 'OmniError';
  override readonly name = 'OmniError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(`omni: ${message} (${code})`);
    this.code = code;
  }
}

const CODES: Readonly<Record<number, string>> = {
  3: 'InvalidArgument',
  5: 'NotFound',
  6: 'AlreadyExists',
  7: 'PermissionDenied',
  8: 'ResourceExhausted',
  9: 'FailedPrecondition',
  10: 'Aborted',
  14: 'Unavailable',
  16: 'Unauthenticated',
};

const PASSING = ['ResourceExhausted', 'Aborted', 'Unavailable'];
const TRIES = 5;
const FIRST_DELAY_MS = 500;
const PAGE = 100;
const MOST_PAGES = 1_000;
const POLL_MS = 2_000;
const SERVICE = '/omni.resources.ResourceService';
const NAMESPACE = 'default';

export interface OmniClientOptions {
  /** `https://name.omni.siderolabs.io`. */
  readonly endpoint: string;
  readonly signer: OmniSigner;
  readonly clock: Clock;
}

export class OmniClient {
  readonly endpoint: string;
  readonly #signer: OmniSigner;
  readonly #clock: Clock;

  constructor({ endpoint, signer, clock }: OmniClientOptions) {
    this.endpoint = endpoint.replace(/\/+$/, '');
    this.#signer = signer;
    this.#clock = clock;
  }

  /** Undefined when there is none. */
  async get(type: string, id: string, signal: AbortSignal): Promise<OmniResource | undefined> {
    try {
      const { body } = await this.#call<{ readonly body?: string }>(
        'Get',
        { namespace: NAMESPACE, type, id },
        signal,
      );
      return resourceOf(body);
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** All of a type, page by page. */
  async list(type: string, signal: AbortSignal): Promise<readonly OmniResource[]> {
    const found = new Map<string, OmniResource>();
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const request = { namespace: NAMESPACE, type, offset: page * PAGE, limit: PAGE };
      const { items = [], total = 0 } = await this.#call<{
        readonly items?: readonly string[];
        readonly total?: number;
      }>('List', request, signal);
      for (const item of items) {
        const resource = resourceOf(item);
        if (resource !== undefined) found.set(resource.id, resource);
      }
      if (items.length === 0 || (page + 1) * PAGE >= total) break;
    }
    return [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @throws OmniError AlreadyExists */
  async create(
    type: string,
    id: string,
    labels: Labels,
    spec: object,
    signal: AbortSignal,
  ): Promise<void> {
    const metadata = { namespace: NAMESPACE, type, id, labels };
    await this.#call('Create', { resource: { metadata, spec: JSON.stringify(spec) } }, signal);
  }

  /** Resolves when it is gone: marked, let go by all who hold it, removed. Gone already is fine. */
  async destroy(type: string, id: string, signal: AbortSignal): Promise<void> {
    const which = { namespace: NAMESPACE, type, id };
    for (;;) {
      const present = await this.get(type, id, signal);
      if (present === undefined) return;
      try {
        if (!present.isTearingDown) await this.#call('Teardown', which, signal);
        else if (present.finalizers.length === 0) await this.#call('Delete', which, signal);
        else await sleep(this.#clock, POLL_MS, signal);
      } catch (error) {
        // Somebody else is at it too.
        if (!hasCode(error, 'NotFound', 'FailedPrecondition')) throw error;
        await sleep(this.#clock, POLL_MS, signal);
      }
    }
  }

  /** Again while the refusal may pass. A create whose answer was lost is `AlreadyExists` the second time. */
  async #call<T>(method: string, body: object, signal: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once<T>(method, body, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (attempt >= TRIES || !hasCode(error, ...PASSING)) throw error;
        await sleep(this.#clock, FIRST_DELAY_MS * 2 ** (attempt - 1), signal);
      }
    }
  }

  async #once<T>(method: string, body: object, signal: AbortSignal): Promise<T> {
    const headers = await this.#signer.headers(`${SERVICE}/${method}`);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.endpoint}/api${SERVICE}/${method}`, {
        method: 'POST',
        signal,
        redirect: 'error',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      text = await textOfAnswer('omni', response);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ProviderUnavailable) throw error;
      const { cause } = error as { readonly cause?: { readonly code?: unknown } };
      const why = typeof cause?.code === 'string' ? cause.code : 'the connection failed';
      throw new ProviderUnavailable('omni', `no answer from ${this.endpoint}: ${why}`);
    }
    if (response.ok) return objectInAnswer('omni', text) as T;
    throw refusalOf(response.status, objectInRefusal(text));
  }
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof OmniError && codes.includes(error.code);
}

function refusalOf(status: number, parsed: object | undefined): Error {
  const { code: number, message = '' } = (parsed ?? {}) as {
    readonly code?: number;
    readonly message?: string;
  };
  const code =
    CODES[number ?? -1] ??
    (status === 429 ? 'ResourceExhausted' : status >= 500 ? 'Unavailable' : `HTTP ${status}`);
  if (status === 401 || code === 'Unauthenticated')
    return new CredentialsRefused(
      'omni',
      'Omni does not accept the signature of the service account',
    );
  if (code === 'PermissionDenied')
    return new CredentialsRefused('omni', 'the role of the service account does not allow this');
  return new OmniError(code, shortMessage(message));
}

/** Undefined for what is no resource. */
function resourceOf(text: string | undefined): OmniResource | undefined {
  const parsed:
    { readonly metadata?: Readonly<Record<string, unknown>>; readonly spec?: unknown } | undefined =
    parse(text ?? '');
  const { id, type, version, phase, labels, finalizers } = parsed?.metadata ?? {};
  if (typeof id !== 'string' || typeof type !== 'string') return undefined;
  return {
    id,
    type,
    version: typeof version === 'string' ? version : '',
    labels: (labels ?? {}) as Labels,
    isTearingDown: phase === 'tearingDown',
    finalizers: (finalizers ?? []) as readonly string[],
    spec: (parsed?.spec ?? {}) as Readonly<Record<string, unknown>>,
  };
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
