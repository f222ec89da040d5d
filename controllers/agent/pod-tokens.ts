// The service account tokens in a Pod's volumes: asked of the server for this Pod alone, and replaced in their files well before they end.
import { isRefused } from '../machinery/request-error.ts';
import { SERVICE_ACCOUNTS } from '../machinery/resources.ts';
import { parseTimestamp } from '../machinery/timestamps.ts';
import { StartError } from '../runtimes/runtime.ts';
import type { AgentContext } from './context.ts';
import type { References } from './environment.ts';
import type { Pod } from './pod.ts';
import { fetchReferences } from './references.ts';
import { lifetimeSeconds, tokenKey, tokenSourcesOf } from './token-source.ts';
import type { TokenProjection, TokenSource } from './token-source.ts';
import { volumeFoldersOf } from './volume-folders.ts';
import { replaceTokens } from './volumes.ts';

/** What part of its time a token is used; upstream's. */
const USED_SHARE = 0.8;
/** And no longer than this, in milliseconds, however long it holds. */
const LONGEST_USE_MS = 24 * 60 * 60 * 1_000;
/** Until it is tried again, when the server could not be asked or refused. */
const RETRY_MS = 60_000;

interface Token {
  readonly text: string;
  /** On the clock, in milliseconds since the epoch. */
  readonly renewAt: number;
}

interface TokenRequestAnswer {
  readonly status?: { readonly token?: unknown; readonly expirationTimestamp?: unknown };
}

export class PodTokens {
  readonly #context: AgentContext;
  readonly #signal: AbortSignal;
  readonly #tokens = new Map<string, Token>();
  #cancelRenewal: (() => void) | undefined;
  #stopped = false;

  /** @param signal ends all renewals */
  constructor(context: AgentContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.stop(), { once: true });
  }

  /** What the Pod refers to, with tokens that are fresh. @throws StartError naming the volume whose token is refused */
  async references(pod: Pod, signal: AbortSignal): Promise<References> {
    const references = await fetchReferences(this.#context.client, pod, signal);
    return { ...references, tokens: await this.#fresh(pod, signal) };
  }

  /** The Pod's containers run: from now on its tokens are renewed, at once when they are from an earlier life of this agent. */
  keep(pod: Pod): void {
    if (this.#stopped || this.#cancelRenewal !== undefined) return;
    const sources = tokenSourcesOf(pod);
    if (sources.length === 0) return;
    const { clock } = this.#context;
    const dues = sources.map(({ projection }) => this.#tokens.get(tokenKey(projection))?.renewAt);
    const due = Math.min(...dues.map((at) => at ?? clock.now()));
    this.#schedule(pod, Math.max(0, due - clock.now()));
  }

  /** The Pod is gone. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRenewal?.();
  }

  #schedule(pod: Pod, delayMs: number): void {
    this.#cancelRenewal = this.#context.clock.schedule(delayMs, () => void this.#renew(pod));
  }

  async #renew(pod: Pod): Promise<void> {
    const { logger } = this.#context;
    try {
      const tokens = await this.#fresh(pod, this.#signal);
      if (this.#stopped) return;
      await replaceTokens(
        pod,
        { configMaps: new Map(), secrets: new Map(), tokens },
        volumeFoldersOf(this.#context, pod),
      );
      this.#cancelRenewal = undefined;
      this.keep(pod);
    } catch (error) {
      if (this.#stopped) return;
      logger.warn('Cannot renew a token of a Pod, trying again', {
        pod: pod.metadata.name,
        namespace: pod.metadata.namespace,
        error,
      });
      this.#schedule(pod, RETRY_MS);
    }
  }

  async #fresh(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { clock } = this.#context;
    const texts = new Map<string, string>();
    for (const source of tokenSourcesOf(pod)) {
      const key = tokenKey(source.projection);
      let token = this.#tokens.get(key);
      if (token === undefined || token.renewAt <= clock.now()) {
        token = await this.#request(pod, source, signal);
        this.#tokens.set(key, token);
      }
      texts.set(key, token.text);
    }
    return texts;
  }

  async #request(
    pod: Pod,
    { volume, projection }: TokenSource,
    signal: AbortSignal,
  ): Promise<Token> {
    const { client, clock } = this.#context;
    const { namespace = 'default' } = pod.metadata;
    const account = pod.spec.serviceAccountName ?? 'default';
    const askedAt = clock.now();
    const refused = (why: string, cause?: unknown): StartError =>
      new StartError(
        'FailedMount',
        `Cannot prepare volume ${volume}: no token of ServiceAccount ${account}: ${why}`,
        cause,
      );
    let answer: TokenRequestAnswer;
    try {
      answer = (await client.connect(
        SERVICE_ACCOUNTS,
        namespace,
        account,
        'token',
        tokenRequest(pod, projection),
        signal,
      )) as TokenRequestAnswer;
    } catch (error) {
      if (isRefused(error)) throw refused(error.message, error);
      throw error;
    }
    const { token, expirationTimestamp } = answer.status ?? {};
    const expires =
      typeof expirationTimestamp === 'string' ? parseTimestamp(expirationTimestamp) : undefined;
    if (typeof token !== 'string' || expires === undefined)
      throw refused('the server answered with none');
    const useMs = Math.min((expires - askedAt) * USED_SHARE, LONGEST_USE_MS);
    // A server whose clock is far behind must not be asked without end.
    return { text: token, renewAt: askedAt + Math.max(useMs, RETRY_MS) };
  }
}

/** It holds as long as this Pod is there, and for nobody else. */
function tokenRequest({ metadata: { name, uid } }: Pod, projection: TokenProjection): object {
  const { audience = '' } = projection;
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience === '' ? [] : [audience],
      expirationSeconds: lifetimeSeconds(projection),
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  };
}
