// HTTP towards registries and what they lead to, with the bounds that strangers need: a deadline for each answer, a size for each
// body, few redirects, and plain HTTP only where it was allowed.
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '#platform/clock.ts';
import { Deadline } from '../machinery/deadline.ts';
import { RegistryError } from './registry-error.ts';

export interface TransportOptions {
  readonly clock: Clock;
  readonly userAgent: string;
  /** Registries (`host` or `host:port`) that may be spoken to without TLS. Those of this machine always may. */
  readonly plainHTTP?: readonly string[];
  /** For each answer, redirects and body included; 10 s by default. */
  readonly timeoutMs?: number;
}

export interface Outgoing {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  readonly body?: Buffer | string;
  /** Most bytes of the answer; more is a RegistryError. */
  readonly limitBytes: number;
}

export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Where it came from in the end. */
  readonly url: URL;
}

const TIMEOUT_MS = 10_000;
const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** An answer whose body comes as it is read. Leaving the loop over it ends the connection. */
export interface Streamed extends Omit<Incoming, 'body'> {
  readonly body: AsyncIterable<Buffer>;
}

/** A body may be as long as it likes, but not silent for longer. */
const SILENCE_MS = 60_000;

export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #dispatcher: Dispatcher;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#dispatcher = new Agent({
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 4_000,
      maxHeaderSize: 32 << 10,
    });
  }

  /** @param host with its port, as in a URL */
  mayBePlain(host: string): boolean {
    return (
      LOOPBACK.test(host.replace(/:\d+$/, '')) || (this.#options.plainHTTP ?? []).includes(host)
    );
  }

  /**
   * Follows redirects of GET and HEAD. The authorization stays with the origin that it is for.
   *
   * @throws RegistryError `unreachable` when nobody answers in time, `refused` for an answer that breaks the bounds; the signal's reason
   */
  async send(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
    const { clock, timeoutMs = TIMEOUT_MS } = this.#options;
    const { host } = outgoing.url;
    const deadline = new Deadline(clock, timeoutMs, `no answer within ${timeoutMs / 1000} s`);
    const either = AbortSignal.any([signal, deadline.signal]);
    try {
      return await this.#follow(outgoing, either);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof RegistryError) throw error;
      const reason = deadline.signal.aborted ? (deadline.signal.reason as Error) : (error as Error);
      throw new RegistryError('unreachable', `cannot reach ${host}: ${wordsOf(reason)}`, error);
    } finally {
      deadline.end();
    }
  }

  /**
   * GET of a body of any size. Follows redirects as send() does; the deadline is for the head of the answer, and for each silence in
   * its body.
   *
   * @throws RegistryError as send(), also out of the body
   */
  async stream(
    outgoing: Omit<Outgoing, 'method' | 'body' | 'limitBytes'>,
    signal: AbortSignal,
  ): Promise<Streamed> {
    const { clock, timeoutMs = TIMEOUT_MS } = this.#options;
    const silence = new Deadline(
      clock,
      Math.max(SILENCE_MS, timeoutMs),
      'no byte for a minute',
      signal,
    );
    const failed = (error: unknown): unknown => {
      silence.end();
      if (signal.aborted) return signal.reason;
      if (error instanceof RegistryError) return error;
      const reason = silence.signal.aborted ? (silence.signal.reason as Error) : (error as Error);
      return new RegistryError(
        'unreachable',
        `cannot read from ${outgoing.url.host}: ${wordsOf(reason)}`,
        error,
      );
    };
    let { url } = outgoing;
    try {
      for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
        const { headers = {}, authorization } = outgoing;
        const isOrigin = url.origin === outgoing.url.origin;
        // Each answer says where the next one is.
        const response = await request(url, {
          dispatcher: this.#dispatcher,
          headers: {
            'user-agent': this.#options.userAgent,
            ...headers,
            ...(authorization === undefined || !isOrigin ? {} : { authorization }),
          },
          signal: silence.signal,
        });
        const answer = { status: response.statusCode, headers: flatHeaders(response.headers), url };
        if (!REDIRECTS.has(answer.status))
          return {
            ...answer,
            body: watched(response.body as AsyncIterable<Buffer>, silence, failed),
          };
        await response.body.dump();
        url = this.locationOf(answer);
      }
      throw new RegistryError('refused', `${outgoing.url.host} redirects without end`);
    } catch (error) {
      throw failed(error);
    }
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #follow(outgoing: Outgoing, signal: AbortSignal): Promise<Incoming> {
    let { url } = outgoing;
    for (let hop = 0; ; hop += 1) {
      const isOrigin = url.origin === outgoing.url.origin;
      const answer = await this.#once({ ...outgoing, url }, isOrigin, signal);
      const isFollowed = outgoing.method === 'GET' || outgoing.method === 'HEAD';
      if (!isFollowed || !REDIRECTS.has(answer.status)) return answer;
      if (hop === MOST_REDIRECTS)
        throw new RegistryError('refused', `${outgoing.url.host} redirects without end`);
      url = this.locationOf(answer);
    }
  }

  async #once(
    { method, url, headers = {}, authorization, body, limitBytes }: Outgoing,
    isOrigin: boolean,
    signal: AbortSignal,
  ): Promise<Incoming> {
    const response = await request(url, {
      dispatcher: this.#dispatcher,
      method,
      headers: {
        'user-agent': this.#options.userAgent,
        ...headers,
        ...(authorization === undefined || !isOrigin ? {} : { authorization }),
      },
      body: body ?? null,
      signal,
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response.body as AsyncIterable<Buffer>) {
      bytes += part.length;
      // Leaving the loop destroys the body, and with it the connection.
      if (bytes > limitBytes)
        throw new RegistryError(
          'refused',
          `${url.host} answers with more than ${limitBytes} bytes`,
        );
      parts.push(part);
    }
    const content = Buffer.concat(parts);
    return {
      status: response.statusCode,
      headers: flatHeaders(response.headers),
      body: content,
      url,
    };
  }

  /** Where an answer sends us. @throws RegistryError for what leads out of HTTPS, or nowhere */
  locationOf({ headers, url }: Pick<Incoming, 'headers' | 'url'>): URL {
    const target = URL.parse(headers['location'] ?? '', url);
    if (target === null) throw new RegistryError('refused', `${url.host} redirects to no URL`);
    const isPlain = target.protocol === 'http:';
    const isAllowed = isPlain
      ? url.protocol === 'http:' && this.mayBePlain(target.host)
      : target.protocol === 'https:';
    if (!isAllowed || target.username !== '' || target.password !== '')
      throw new RegistryError(
        'refused',
        `${url.host} leads to a ${target.protocol}// URL, which is not followed`,
      );
    return target;
  }
}

function flatHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

async function* watched(
  body: AsyncIterable<Buffer>,
  silence: Deadline,
  failed: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    for await (const part of body) {
      silence.extend();
      yield part;
      // However long the reader took, that was not the server's silence.
      silence.extend();
    }
  } catch (error) {
    throw failed(error);
  } finally {
    silence.end();
  }
}

/** One line of what the network said; errors of several addresses come as one without a message. */
function wordsOf(error: Error & { readonly code?: string }): string {
  const text = error.message === '' ? (error.code ?? error.name) : error.message;
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}
