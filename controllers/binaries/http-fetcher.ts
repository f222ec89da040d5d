// Downloads: tried again while that may help, continued where they were cut, never larger than allowed.
import { createHash } from 'node:crypto';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { backoffMs } from '#platform/backoff.ts';
import { jsonFields } from '#platform/json-fields.ts';
import { Deadline } from '../machinery/deadline.ts';
import { ArtifactError } from './artifact-error.ts';
import {
  contentLength,
  errorOfStatus,
  isTransient,
  parseContentRange,
  validatorOf,
} from './http-answer.ts';
import type { Headers } from './http-answer.ts';
import { HttpConnection } from './http-connection.ts';
import type { HttpAnswer, HttpConnectionOptions } from './http-connection.ts';
import type { Sink } from './partial-file.ts';
import { redactURL } from './redact-url.ts';

export interface HttpFetcherOptions extends HttpConnectionOptions {
  /** 0 up to 1, for the back-off. */
  readonly random: () => number;
  /** Attempts in a row that bring no byte; 5 by default. */
  readonly tries?: number;
  /** First wait between attempts, doubled each time; 2 s by default. */
  readonly backoffMs?: number;
  /** Of one download with all its attempts; 30 min by default. */
  readonly overallMs?: number;
}

export interface Download {
  readonly url: string;
  /** Secret. */
  readonly headers?: Headers;
  /** Whether the headers may go over plain HTTP to other machines too: a registry on a private address. */
  readonly mayBePlain?: boolean;
  readonly limitBytes: number;
}

export interface FetchContext {
  readonly signal: AbortSignal;
  /** @param total undefined where the server does not say */
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
}

export interface Probe {
  readonly isReachable: boolean;
  /** Why not, without credentials; or that it is there. */
  readonly message: string;
  /** Bytes, where the server says. */
  readonly size: number | undefined;
}

/** However much each brings. */
const MOST_ATTEMPTS = 50;
/** A server that wants longer is asked again by whoever asked us. */
const LONGEST_RETRY_AFTER_MS = 60_000;
const PROBE_MS = 10_000;

export class HttpFetcher implements AsyncDisposable {
  readonly #options: HttpFetcherOptions;
  readonly #clock: Clock;
  readonly #connection: HttpConnection;

  constructor(options: HttpFetcherOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#connection = new HttpConnection(options);
  }

  /** Resolves when the sink has the whole. @throws ArtifactError, or the signal's reason */
  async download(download: Download, sink: Sink, context: FetchContext): Promise<void> {
    const { overallMs = 30 * 60_000, tries = 5 } = this.#options;
    const url = parse(download.url);
    const late = `${redactURL(url)} takes longer than ${overallMs / 60_000} min`;
    const deadline = new Deadline(this.#clock, overallMs, late, context.signal);
    const inner = { ...context, signal: deadline.signal };
    try {
      let fruitless = 0;
      for (let attempt = 1; ; attempt += 1) {
        const before = sink.size;
        try {
          await this.#attempt(url, download, sink, inner);
          return;
        } catch (error) {
          fruitless = sink.size > before ? 1 : fruitless + 1;
          if (!isTransient(error) || fruitless >= tries || attempt >= MOST_ATTEMPTS) throw error;
          await this.#wait(fruitless - 1, error, deadline.signal);
        }
      }
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      if (deadline.signal.aborted) throw new ArtifactError('Unreachable', late);
      throw error;
    } finally {
      deadline.end();
    }
  }

  /** A small text, as checksum files are. @throws ArtifactError, or the signal's reason */
  async text(download: Download, context: FetchContext): Promise<string> {
    const parts: Uint8Array[] = [];
    const sink = {
      size: 0,
      origin: undefined,
      async begin() {
        parts.length = 0;
        sink.size = 0;
      },
      async write(chunk: Uint8Array) {
        parts.push(chunk);
        sink.size += chunk.length;
      },
    };
    await this.download(download, sink, context);
    return Buffer.concat(parts).toString('utf8');
  }

  /** Asks whether it is there, and fetches nothing: HEAD, and where that is refused GET of one byte. One try, 10 s. */
  async probe(address: Pick<Download, 'url' | 'headers'>, signal: AbortSignal): Promise<Probe> {
    const url = parse(address.url);
    const { headers = {} } = address;
    const shown = redactURL(url);
    const deadline = new Deadline(this.#clock, PROBE_MS, 'late', signal);
    try {
      let status = 0;
      for (const method of ['HEAD', 'GET'] as const) {
        const range = method === 'GET' ? { range: 'bytes=0-0' } : {};
        await using answer = await this.#connection.ask(
          { method, url, headers, range },
          deadline.signal,
        );
        status = answer.status;
        if (status !== 200 && status !== 206) continue;
        const range206 = parseContentRange(answer.headers['content-range']);
        const size = status === 206 ? range206?.total : contentLength(answer.headers);
        return { isReachable: true, message: `${shown} is there`, size };
      }
      return { isReachable: false, message: `${shown} answers ${status}`, size: undefined };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const message =
        error instanceof ArtifactError
          ? error.message
          : `${shown} does not answer within ${PROBE_MS / 1000} s`;
      return { isReachable: false, message, size: undefined };
    } finally {
      deadline.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #wait(attempt: number, error: ArtifactError, signal: AbortSignal): Promise<void> {
    const { random, backoffMs: initialMs = 2_000 } = this.#options;
    const { retryAfterMs } = error;
    if (retryAfterMs !== undefined && retryAfterMs > LONGEST_RETRY_AFTER_MS) throw error;
    const options = { initialMs, maximumMs: 16_000, jitter: 0.3 };
    await sleep(this.#clock, retryAfterMs ?? backoffMs(attempt, options, random()), signal);
  }

  async #attempt(
    url: URL,
    { headers = {}, mayBePlain = false, limitBytes }: Download,
    sink: Sink,
    context: FetchContext,
  ): Promise<void> {
    const validator = resumable(sink, url);
    const range: Record<string, string> =
      validator === undefined ? {} : { range: `bytes=${sink.size}-`, 'if-range': validator };
    await using answer = await this.#connection.ask(
      { method: 'GET', url, headers, mayBePlain, range },
      context.signal,
    );
    const where = redactURL(url);
    const { status } = answer;
    if (status === 416 || (status === 206 && !continues(answer, sink, validator))) {
      // Another file by now, or a server that counts otherwise.
      await sink.begin();
      throw new ArtifactError('Unreachable', `${where} has changed since the download began`);
    }
    if (status !== 200 && status !== 206)
      throw errorOfStatus(status, answer.headers, where, this.#clock.now());
    const total =
      status === 206
        ? parseContentRange(answer.headers['content-range'])?.total
        : contentLength(answer.headers);
    if (total !== undefined && total > limitBytes) throw tooLarge(where, limitBytes);
    if (status === 200) await sink.begin(originOf(answer, url));
    context.onProgress?.(sink.size, total);
    for await (const chunk of answer.body) {
      if (sink.size + chunk.length > limitBytes) throw tooLarge(where, limitBytes);
      await sink.write(chunk);
      context.onProgress?.(sink.size, total);
    }
    if (total !== undefined && sink.size !== total)
      throw new ArtifactError('Unreachable', `${where} ended after ${sink.size} of ${total} bytes`);
  }
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new ArtifactError('Invalid', `${redactURL(text)}: give https://…`);
  return url;
}

function tooLarge(where: string, limitBytes: number): ArtifactError {
  return new ArtifactError('TooLarge', `${where} is larger than the limit of ${limitBytes} bytes`);
}

/** Tells bytes of one file from those of another, without the URL itself: it may hold credentials. */
function originOf(answer: HttpAnswer, url: URL): string | undefined {
  const validator = validatorOf(answer.headers);
  const takesRanges = /\bbytes\b/i.test(answer.headers['accept-ranges'] ?? '');
  if (validator === undefined || !takesRanges) return undefined;
  return JSON.stringify({ url: hashOf(url), validator });
}

/** The validator to go on with behind what the sink has; undefined: from the beginning. */
function resumable(sink: Sink, url: URL): string | undefined {
  if (sink.size === 0 || sink.origin === undefined) return undefined;
  const origin = jsonFields(sink.origin);
  const validator = origin?.['validator'];
  return origin?.['url'] === hashOf(url) && typeof validator === 'string' ? validator : undefined;
}

function continues(answer: HttpAnswer, sink: Sink, validator: string | undefined): boolean {
  if (validator === undefined) return false;
  const range = parseContentRange(answer.headers['content-range']);
  const now = validatorOf(answer.headers);
  return range?.start === sink.size && (now === undefined || now === validator);
}

function hashOf(url: URL): string {
  return createHash('sha256').update(`${url.origin}${url.pathname}${url.search}`).digest('hex');
}
