// HTTP(S) towards whoever publishes artifacts: proxies, bounded redirects, deadlines, and secrets that stay with the server they are for.
import { EnvHttpProxyAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '#platform/clock.ts';
import { Deadline } from '../machinery/deadline.ts';
import { ArtifactError } from './artifact-error.ts';
import type { Headers } from './http-answer.ts';
import { redirected, requireSecretChannel } from './http-secrets.ts';
import { redactText, redactURL } from './redact-url.ts';

export interface HttpConnectionOptions {
  readonly clock: Clock;
  readonly userAgent: string;
  /** Where `http_proxy`, `https_proxy` and `no_proxy` are looked up, in either case. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** PEM of authorities to trust instead of the public ones. */
  readonly certificateAuthority?: string;
  /** To connect; 30 s by default. */
  readonly dialMs?: number;
  /** From the request to the answer's headers, redirects included; 30 s by default. */
  readonly headersMs?: number;
  /** Without a byte of the body; 60 s by default. */
  readonly idleMs?: number;
}

export interface HttpAsk {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  /** May hold secrets: sent to the URL's own origin, and to no other. */
  readonly headers: Headers;
  /** Whether they may go over plain HTTP to other machines too; false by default. */
  readonly mayBePlain?: boolean;
  /** Sent wherever redirects lead. */
  readonly range?: Headers;
}

export interface HttpAnswer extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** Each wait for the next part has a deadline. */
  readonly body: AsyncIterable<Uint8Array>;
}

const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Trying again does not make a certificate valid. */
const TLS_CODE = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO|HOSTNAME/;

export class HttpConnection implements AsyncDisposable {
  readonly #options: HttpConnectionOptions;
  readonly #dispatcher: Dispatcher;

  /** @throws ArtifactError `Invalid` for a proxy that is no URL */
  constructor(options: HttpConnectionOptions) {
    this.#options = options;
    const { environment, certificateAuthority, dialMs = 30_000 } = options;
    const of = (name: string): string => environment[name] ?? environment[name.toUpperCase()] ?? '';
    try {
      this.#dispatcher = new EnvHttpProxyAgent({
        // Empty is not absent: then it would look at the process's own environment.
        httpProxy: of('http_proxy'),
        httpsProxy: of('https_proxy'),
        noProxy: of('no_proxy'),
        allowH2: false,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: 4_000,
        maxHeaderSize: 32 << 10,
        connect: {
          timeout: dialMs,
          ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
        },
      });
    } catch {
      throw new ArtifactError('Invalid', 'http_proxy or https_proxy is set to what is no URL');
    }
  }

  /**
   * Dispose of the answer.
   *
   * @throws ArtifactError `Unreachable`, `Refused` (TLS, redirects that are not followed), `Invalid`; the signal's reason
   */
  async ask(ask: HttpAsk, signal: AbortSignal): Promise<HttpAnswer> {
    const { clock, headersMs = 30_000, idleMs = 60_000 } = this.#options;
    const where = redactURL(ask.url);
    const ended = new AbortController();
    const lifetime = AbortSignal.any([signal, ended.signal]);
    const late = `no answer within ${headersMs / 1000} s`;
    const deadline = new Deadline(clock, headersMs, late, lifetime);
    try {
      const { status, headers, body } = await this.#follow(ask, deadline.signal);
      deadline.end();
      return {
        status,
        headers,
        body: paced(body, { clock, idleMs, where, signal }),
        async [Symbol.asyncDispose]() {
          // What is left of the body is not read: the connection ends with it.
          body.on('error', () => undefined);
          body.destroy();
        },
      };
    } catch (error) {
      deadline.end();
      throw wordsOf(error, where, signal, deadline.signal);
    }
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #follow(
    ask: HttpAsk,
    signal: AbortSignal,
  ): Promise<{ status: number; headers: Headers; body: Dispatcher.ResponseData['body'] }> {
    const { secrets, url: first } = secretsOf(ask);
    let url = first;
    for (let hop = 0; ; hop += 1) {
      const response = await request(url, {
        dispatcher: this.#dispatcher,
        method: ask.method,
        headers: {
          'user-agent': this.#options.userAgent,
          'accept-encoding': 'identity',
          ...(url.origin === first.origin ? secrets : {}),
          ...ask.range,
        },
        signal,
      });
      const { statusCode: status, body } = response;
      const headers = flat(response.headers);
      if (!REDIRECTS.has(status)) return { status, headers, body };
      body.on('error', () => undefined);
      body.destroy();
      if (hop === MOST_REDIRECTS)
        throw new ArtifactError('Refused', `${redactURL(first)} redirects without end`);
      url = redirected(url, headers['location'] ?? '');
    }
  }
}

/** A login in the URL becomes a header, so that the URL can be shown. */
function secretsOf({ url, headers, mayBePlain = false }: HttpAsk): {
  readonly secrets: Headers;
  readonly url: URL;
} {
  const bare = new URL(url);
  bare.hash = '';
  if (bare.protocol !== 'https:' && bare.protocol !== 'http:')
    throw new ArtifactError(
      'Invalid',
      `${redactURL(url)} is no URL to fetch from: it must begin with https:// or http://`,
    );
  const own: Record<string, string> = { ...headers };
  if (bare.username !== '' || bare.password !== '') {
    const login = `${decodeURIComponent(bare.username)}:${decodeURIComponent(bare.password)}`;
    own['authorization'] ??= `Basic ${Buffer.from(login).toString('base64')}`;
    bare.username = '';
    bare.password = '';
  }
  if (Object.keys(own).length > 0 && !mayBePlain) requireSecretChannel(bare);
  return { secrets: own, url: bare };
}

function flat(headers: Dispatcher.ResponseData['headers']): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

interface Pace {
  readonly clock: Clock;
  readonly idleMs: number;
  readonly where: string;
  readonly signal: AbortSignal;
}

async function* paced(
  body: Dispatcher.ResponseData['body'],
  { clock, idleMs, where, signal }: Pace,
): AsyncIterable<Uint8Array> {
  const deadline = new Deadline(clock, idleMs, `nothing came for ${idleMs / 1000} s`, signal);
  const onAbort = (): void => void body.destroy(deadline.signal.reason as Error);
  deadline.signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      yield chunk;
      // What the reader did with it is not the sender's time.
      deadline.extend();
    }
  } catch (error) {
    throw wordsOf(error, where, signal, deadline.signal);
  } finally {
    deadline.end();
  }
}

function wordsOf(
  error: unknown,
  where: string,
  signal: AbortSignal,
  deadline: AbortSignal,
): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof ArtifactError) return error;
  const cause = (deadline.aborted ? deadline.reason : error) as Error & { readonly code?: string };
  const text = cause.message === '' ? (cause.code ?? cause.name) : cause.message;
  const failure = TLS_CODE.test(cause.code ?? '') ? 'Refused' : 'Unreachable';
  // The cause is left behind: what the network says may name a proxy with its password.
  return new ArtifactError(failure, `cannot fetch ${where}: ${redactText(text)}`);
}
