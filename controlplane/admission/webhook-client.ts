// POSTs JSON to servers of other people, of which nothing good is assumed: certificates are verified, redirects not followed, answers
// bounded in time and size, and nothing of ours is sent along but the body.
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';

import type { Clock } from '#platform/clock.ts';

import { networkWords, statusWords } from './network-words.ts';

/** A patch of the largest object, in base64. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_HEADER_BYTES = 16 * 1024;
const IDLE_MS = 30_000;
/** To one address: more than that at once queue up. */
const MOST_SOCKETS = 100;

/** The server could not be asked, or gave no answer that can be read. `message` is in the words of upstream's client. */
export class WebhookCallError extends Error {
  /** HTTP status for metrics and Status; 0 when there was no answer. */
  readonly code: number;

  constructor(message: string, code = 0) {
    super(message);
    this.name = 'WebhookCallError';
    this.code = code;
  }
}

export interface WebhookTarget {
  /** As messages show it: with the port that was configured, which URL drops where it is the usual one. */
  readonly url: string;
  /** Where to connect to, when that is not where the URL points. */
  readonly address?: { readonly host: string; readonly port: number };
}

export class WebhookClient {
  readonly #clock: Clock;
  readonly #agents = new Map<string, Agent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param authority PEM; absent: those that Node trusts
   * @throws WebhookCallError; the signal's reason when it aborts
   */
  async post(
    target: WebhookTarget,
    authority: string | undefined,
    body: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<unknown> {
    signal.throwIfAborted();
    const late = new AbortController();
    const cancel = this.#clock.schedule(timeoutMs, () => late.abort());
    const both = AbortSignal.any([signal, late.signal]);
    try {
      const text = await this.#send(target, authority, body, both, true);
      return parse(text);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WebhookCallError) throw error;
      const why = late.signal.aborted ? 'context deadline exceeded' : networkWords(error);
      throw new WebhookCallError(`Post ${JSON.stringify(target.url)}: ${why}`);
    } finally {
      cancel();
    }
  }

  /** Drops idle connections of other authorities; those in use end with their call. @param authorities '' for those that Node trusts */
  keepOnly(authorities: ReadonlySet<string>): void {
    for (const [authority, agent] of this.#agents) {
      if (authorities.has(authority)) continue;
      this.#agents.delete(authority);
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
  }

  /** Forgets connections; those in use end with their call. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #send(
    target: WebhookTarget,
    authority: string | undefined,
    body: string,
    signal: AbortSignal,
    mayRetry: boolean,
  ): Promise<string> {
    const { address } = target;
    const url = new URL(target.url);
    const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return new Promise((resolve, reject) => {
      const sent = request({
        agent: this.#agentFor(authority),
        method: 'POST',
        host: address?.host ?? name,
        port: address?.port ?? (url.port === '' ? 443 : Number(url.port)),
        path: `${url.pathname}${url.search}`,
        // The certificate must be for the name that was configured, wherever that leads. An address has no server name.
        ...(address === undefined ? {} : { servername: name }),
        headers: {
          host: url.host,
          accept: 'application/json, */*',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'windlass-admission',
        },
        maxHeaderSize: MOST_HEADER_BYTES,
        signal,
      });
      sent.on('response', (response) => {
        readAnswer(response).then(resolve, (error: Error) => {
          sent.destroy();
          reject(error);
        });
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection just when it was to be used.
        const isStale = mayRetry && sent.reusedSocket && error.code === 'ECONNRESET';
        if (!isStale || signal.aborted) reject(error);
        else this.#send(target, authority, body, signal, false).then(resolve, reject);
      });
      sent.end(body);
    });
  }

  /** Connections are shared by those who trust the same. */
  #agentFor(authority: string | undefined): Agent {
    const key = authority ?? '';
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = new Agent({
        keepAlive: true,
        maxSockets: MOST_SOCKETS,
        maxFreeSockets: 4,
        timeout: IDLE_MS,
        minVersion: 'TLSv1.2',
        // The bundle may hold the very certificate of the server, as envtest writes it: Go takes any of a bundle for a root.
        ...(authority === undefined ? {} : { ca: authority, allowPartialTrustChain: true }),
      });
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

function readAnswer(response: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = response;
  return new Promise((resolve, reject) => {
    if (statusCode < 200 || statusCode > 299) {
      reject(new WebhookCallError(statusWords(statusCode), statusCode));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('error', reject);
    response.on('aborted', () => reject(new WebhookCallError('unexpected EOF')));
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MOST_BYTES) chunks.push(chunk);
      else reject(new WebhookCallError(`the answer is longer than ${MOST_BYTES} bytes`));
    });
    response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new WebhookCallError('the answer is no JSON');
  }
}
