// One HTTP request on its way to an instance and the answer on its way back, both streamed as fast as the slower side takes them.
// It moves to another instance only while that can do no harm: nothing was sent, or the method may be repeated, there was no body
// and no byte of an answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { Route } from './entry.ts';
import type { IngressMetrics } from './metrics.ts';
import { answerPlain } from './plain-answer.ts';
import { responseFields } from './proxy-headers.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface ProxiedRequestOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: Route;
  /** Path and query. */
  readonly target: string;
  /** As the instance gets them. */
  readonly fields: string[];
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly events: Pick<IngressMetrics, 'retried' | 'failed'>;
}

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const MOST_ATTEMPTS = 4;
/** For the head of the answer. */
const ANSWER_TIMEOUT_MS = 300_000;
/** A client that sends a body must send something of it in this time. */
const BODY_IDLE_MS = 60_000;
/** A client that has an answer waiting must take something of it in this time. */
const READ_IDLE_MS = 120_000;
/** How long a request waits for an instance to become ready. */
const HOLD_MS = 1_000;
const HOLD_INTERVAL_MS = 50;

type Controller = Dispatcher.DispatchController;

export class ProxiedRequest implements Dispatcher.DispatchHandler {
  readonly #options: ProxiedRequestOptions;
  readonly #tried = new Set<Upstream>();
  readonly #hasBody: boolean;
  #attempts = 0;
  #upstream: Upstream | undefined;
  #controller: Controller | undefined;
  #isClientGone = false;
  #hasAnswer = false;
  #bodyTaken = false;

  constructor(options: ProxiedRequestOptions) {
    this.#options = options;
    const { headers } = options.request;
    this.#hasBody =
      headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  /** Of the instance that answers; for the log. */
  get pod(): string | undefined {
    return this.#upstream?.instance.pod;
  }

  get attempts(): number {
    return this.#attempts;
  }

  start(): void {
    const { response } = this.#options;
    response.once('close', () => {
      if (response.writableFinished) return;
      this.#isClientGone = true;
      this.#controller?.abort(new Error('the client is gone'));
    });
    if (!this.#attempt()) void this.#hold();
  }

  /** @returns false when no instance is there */
  #attempt(): boolean {
    const { upstreams, route, request, target, fields } = this.#options;
    const upstream = upstreams.choose(route, this.#tried);
    if (upstream === undefined) return false;
    this.#upstream = upstream;
    this.#controller = undefined;
    this.#attempts += 1;
    upstream.begin();
    upstream.pool.dispatch(
      {
        path: target,
        method: request.method ?? 'GET',
        headers: fields,
        body: this.#hasBody ? this.#lazyBody() : null,
        headersTimeout: ANSWER_TIMEOUT_MS,
      },
      this,
    );
    return true;
  }

  async #hold(): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + HOLD_MS;
    while (clock.monotonic() < deadline && !this.#isClientGone) {
      await sleep(clock, HOLD_INTERVAL_MS);
      if (this.#isClientGone || this.#attempt()) return;
    }
    if (this.#isClientGone) return;
    this.#giveUp(503, 'Service Unavailable', 'no instance is ready', 'unavailable');
  }

  /** undici takes iterables for bodies; its types do not know. */
  #lazyBody(): Readable {
    return { [Symbol.asyncIterator]: () => this.#body() } as unknown as Readable;
  }

  /** Begun by undici once it has a connection: until then nothing of the body is read, and another instance can have it. */
  async *#body(): AsyncGenerator<Buffer> {
    const { clock, request } = this.#options;
    this.#bodyTaken = true;
    let cancel = (): void => undefined;
    const watch = (): void => {
      cancel();
      cancel = clock.schedule(BODY_IDLE_MS, () => request.destroy(new Error('the body stopped')));
    };
    try {
      watch();
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        yield chunk as Buffer;
        watch();
      }
    } finally {
      cancel();
    }
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isClientGone) controller.abort(new Error('the client is gone'));
  }

  onResponseStart(
    controller: Controller,
    status: number,
    _headers: unknown,
    message?: string,
  ): void {
    // 1xx are for the connection that they come on; the client has had its 100 from us.
    if (status < 200) return;
    const { response, upstreams } = this.#options;
    if (this.#upstream !== undefined) upstreams.answered(this.#upstream);
    const raw = ((controller.rawHeaders ?? []) as readonly Buffer[]).map((part) =>
      part.toString('latin1'),
    );
    response.writeHead(status, message ?? '', responseFields(raw));
    this.#hasAnswer = true;
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const { response, clock } = this.#options;
    if (response.write(chunk)) return;
    controller.pause();
    const cancel = clock.schedule(READ_IDLE_MS, () => response.destroy());
    response.once('close', cancel);
    response.once('drain', () => {
      cancel();
      response.off('close', cancel);
      controller.resume();
    });
  }

  onResponseEnd(_controller: Controller, trailers: Readonly<Record<string, unknown>>): void {
    const { response } = this.#options;
    if (Object.keys(trailers).length > 0)
      response.addTrailers(trailers as Readonly<Record<string, string>>);
    response.end();
    this.#end();
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    const { upstreams, response, events, route, request } = this.#options;
    const upstream = this.#upstream;
    const wasSent = this.#controller !== undefined;
    this.#end();
    if (this.#isClientGone || upstream === undefined) return;
    if (this.#hasAnswer) {
      // Half an answer cannot be taken back; the client sees that it is cut.
      events.failed(route, 'broken');
      response.destroy();
      return;
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'UND_ERR_INVALID_ARG') {
      // undici refuses what it could not send as it is.
      this.#giveUp(400, 'Bad Request', error.message, 'invalid');
      return;
    }
    const isTimeout = code === 'UND_ERR_HEADERS_TIMEOUT';
    if (!wasSent) upstreams.failed(upstream);
    const mayRepeat =
      !wasSent || (!isTimeout && !this.#bodyTaken && IDEMPOTENT.has(request.method ?? ''));
    this.#tried.add(upstream);
    events.failed(route, wasSent ? (isTimeout ? 'timeout' : 'broken') : 'connect');
    if (mayRepeat && this.#attempts < MOST_ATTEMPTS && this.#attempt()) {
      events.retried(route);
      return;
    }
    if (isTimeout) this.#giveUp(504, 'Gateway Timeout', 'the instance did not answer in time');
    else if (
      code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' ||
      (request.destroyed && !request.complete)
    )
      this.#giveUp(400, 'Bad Request', 'the body is not as long as it was said to be');
    else if (wasSent)
      this.#giveUp(502, 'Bad Gateway', 'the instance closed the connection without an answer');
    else this.#giveUp(502, 'Bad Gateway', 'no instance took the connection');
  }

  #end(): void {
    this.#upstream?.end();
  }

  #giveUp(status: number, title: string, why: string, reason?: 'invalid' | 'unavailable'): void {
    const { response, events, route, request } = this.#options;
    if (reason !== undefined) events.failed(route, reason);
    // A body that nobody reads would be taken for the next request.
    if (this.#hasBody && !request.complete) response.shouldKeepAlive = false;
    answerPlain(response, status, title, why);
  }
}
