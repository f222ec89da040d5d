// Requests to one API server as one identity, through one pool of kept-alive connections: who asks, how long it took, and patience
// with a server that says when to come again.
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { Authentication } from './authentication.ts';
import type { Deadline } from './deadline.ts';
import { clientMetrics } from './client-metrics.ts';
import type { ClientMetrics } from './client-metrics.ts';
import { createDispatcher } from './dispatcher.ts';
import { exchange } from './exchange.ts';
import type { Connection } from './kubeconfig.ts';
import { refusalOf } from './refusal.ts';
import type { RequestError } from './request-error.ts';
import { encodedPath } from './resource-path.ts';

export interface TransportOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly userAgent: string;
}

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: Uint8Array | string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer<T> {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly content: T;
  readonly text: () => Promise<string> | string;
}

/** How often, and for how long, a server that says when to come again is obeyed. */
const MAXIMUM_RETRIES = 10;
const MAXIMUM_RETRY_AFTER_SECONDS = 10;

export class HttpTransport implements AsyncDisposable {
  readonly #origin: string;
  readonly #host: string;
  readonly #base: string;
  readonly #authentication: Authentication;
  readonly #dispatcher: Dispatcher;
  readonly #clock: Clock;
  readonly #metrics: ClientMetrics;
  readonly #userAgent: string;

  constructor({ connection, clock, metrics, userAgent }: TransportOptions) {
    const { server } = connection;
    this.#origin = server.origin;
    this.#host = server.host;
    this.#base = server.pathname.replace(/\/$/, '');
    this.#authentication = new Authentication(connection, clock);
    this.#dispatcher = createDispatcher(connection);
    this.#clock = clock;
    this.#metrics = clientMetrics(metrics);
    this.#userAgent = userAgent;
  }

  /** Waits for the whole answer. @throws RequestError for any status but 2xx */
  send(request: TransportRequest, deadline: Deadline): Promise<string> {
    return this.#patiently(
      request,
      () => deadline.signal,
      async (options) => {
        const { text, ...head } = await exchange(this.#dispatcher, options, deadline);
        return { ...head, content: text, text: () => text };
      },
    );
  }

  /** Waits for the head of the answer; its body comes as the server makes it. @throws RequestError for any status but 2xx */
  open(request: TransportRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#patiently(
      request,
      () => signal,
      async (options) => {
        const { body, ...head } = await this.#dispatcher.request({ ...options, signal });
        return { ...head, content: body as AsyncIterable<Uint8Array>, text: () => body.text() };
      },
    );
  }

  /** Ends open requests. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /** Comes again when the server, which did nothing yet, says when to. */
  async #patiently<T>(
    request: TransportRequest,
    signal: () => AbortSignal,
    ask: (options: Dispatcher.DispatchOptions) => Promise<Answer<T>>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#measured(request, ask);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.content;
      if (answer.statusCode === 401) this.#authentication.refused();
      const refusal = refusalOf(request, answer.statusCode, answer.headers, await answer.text());
      const waitSeconds = patienceFor(refusal);
      if (waitSeconds === undefined || attempt >= MAXIMUM_RETRIES) throw refusal;
      await sleep(this.#clock, waitSeconds * 1000, signal());
    }
  }

  async #measured<T>(
    { method, path, body, headers }: TransportRequest,
    ask: (options: Dispatcher.DispatchOptions) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const identity = this.#authentication.known() ?? (await this.#authentication.read());
    const started = this.#clock.monotonic();
    let code = '<error>';
    try {
      const answer = await ask({
        origin: this.#origin,
        path: `${this.#base}${encodedPath(path)}`,
        method,
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...identity,
          ...headers,
        },
        body: body ?? null,
        reset: false, // undici's default ends the connection after a DELETE with a body.
      });
      code = String(answer.statusCode);
      return answer;
    } finally {
      this.#metrics.observe(method, this.#host, code, (this.#clock.monotonic() - started) / 1000);
    }
  }
}

/** Seconds after which it may be asked again; undefined when that makes no sense. */
function patienceFor({ code, retryAfterSeconds }: RequestError): number | undefined {
  if (code !== 429 && code !== 503) return undefined;
  if (retryAfterSeconds === undefined || retryAfterSeconds > MAXIMUM_RETRY_AFTER_SECONDS)
    return undefined;
  return retryAfterSeconds;
}
