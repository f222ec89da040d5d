// Fetches a file over HTTP into a temporary file of this machine, hashing it on its way; what has another digest than was promised is
// never handed out. Asks whether a file is there without fetching it.
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { DigestMismatchError } from '../hosts/host-errors.ts';
import { Deadline } from '../machinery/deadline.ts';
import { shownURL } from './download-urls.ts';
import { readPieces } from './read-pieces.ts';
import { HttpStatusError, persistently } from './transient.ts';

export interface FetchRequest {
  readonly url: string;
  /** Lower-case hex; absent: whatever comes. */
  readonly sha256?: string | undefined;
  readonly limitBytes?: number;
}

/** A file of this machine; disposing removes it. */
export interface FetchedFile extends AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface FileFetcher {
  /** Tries again what may be over in a moment. @throws DigestMismatchError | HttpStatusError | Error */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchedFile>;
  /** A short text, at most `limitBytes`; undefined when there is none (404). */
  text(url: string, limitBytes: number, signal: AbortSignal): Promise<string | undefined>;
  /** HEAD, and where that is refused GET of one byte. @returns undefined when it is there, else why not */
  probe(url: string, signal: AbortSignal): Promise<string | undefined>;
}

const GIB = 2 ** 30;
const FETCH_MS = 600_000;
const PROBE_MS = 10_000;

export class HttpFileFetcher implements FileFetcher {
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #folder: string;

  /** @param folder of temporary files; made when it is needed */
  constructor(clock: Clock, ids: IdSource, folder: string) {
    this.#clock = clock;
    this.#ids = ids;
    this.#folder = folder;
  }

  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchedFile> {
    return persistently(this.#clock, signal, () => this.#fetchOnce(request, signal));
  }

  text(url: string, limitBytes: number, signal: AbortSignal): Promise<string | undefined> {
    return persistently(this.#clock, signal, async () => {
      const what = shownURL(url);
      const deadline = new Deadline(this.#clock, FETCH_MS, `${what}: no answer in time`, signal);
      try {
        const answer = await fetch(url, { signal: deadline.signal });
        if (answer.status === 404) {
          await answer.body?.cancel();
          return undefined;
        }
        const parts: Uint8Array[] = [];
        for await (const part of bodyOf(answer, what, limitBytes)) parts.push(part);
        return Buffer.concat(parts).toString('utf8');
      } finally {
        deadline.end();
      }
    });
  }

  async probe(url: string, signal: AbortSignal): Promise<string | undefined> {
    const what = shownURL(url);
    const deadline = new Deadline(
      this.#clock,
      PROBE_MS,
      `no answer within ${PROBE_MS / 1000} s`,
      signal,
    );
    try {
      const head = await fetch(url, { method: 'HEAD', signal: deadline.signal });
      if (head.status === 200) return undefined;
      const headers = { range: 'bytes=0-0' };
      const get = await fetch(url, { headers, signal: deadline.signal });
      await get.body?.cancel();
      return get.status === 200 || get.status === 206 ? undefined : `${what} answers ${get.status}`;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const reason = deadline.signal.aborted ? (deadline.signal.reason as Error) : error;
      return `${what} cannot be reached: ${wordsOf(reason)}`;
    } finally {
      deadline.end();
    }
  }

  async #fetchOnce(
    { url, sha256, limitBytes = GIB }: FetchRequest,
    signal: AbortSignal,
  ): Promise<FetchedFile> {
    const what = shownURL(url);
    const deadline = new Deadline(
      this.#clock,
      FETCH_MS,
      `${what}: not fetched within ${FETCH_MS / 60_000} minutes`,
      signal,
    );
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `fetch-${this.#ids.hex(16)}`);
    const file = await open(path, 'wx', 0o600);
    const hash = createHash('sha256');
    let size = 0;
    try {
      const answer = await fetch(url, { signal: deadline.signal });
      for await (const part of bodyOf(answer, what, limitBytes)) {
        hash.update(part);
        await file.writeFile(part);
        size += part.length;
      }
      const promised = Number(answer.headers.get('content-length') ?? size);
      const isPlain = answer.headers.get('content-encoding') === null;
      if (isPlain && promised !== size)
        throw new Error(`${what}: ${size} of ${promised} bytes came`);
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      if (signal.aborted) throw signal.reason;
      if (deadline.signal.aborted) throw deadline.signal.reason;
      throw error instanceof TypeError
        ? new Error(`${what}: ${wordsOf(error)}`, { cause: error })
        : error;
    } finally {
      deadline.end();
    }
    await file.close();
    const remove = (): Promise<void> => rm(path, { force: true });
    const found = hash.digest('hex');
    if (sha256 !== undefined && sha256 !== found) {
      await remove();
      throw new DigestMismatchError(what, sha256, found);
    }
    return {
      path,
      size,
      sha256: found,
      read: (inner) => readPieces(path, inner),
      [Symbol.asyncDispose]: remove,
    };
  }
}

async function* bodyOf(
  answer: Response,
  what: string,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new HttpStatusError(what, answer.status);
  }
  let size = 0;
  for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > limitBytes) throw new Error(`${what}: longer than ${limitBytes} bytes`);
    yield part;
  }
}

/** What lies behind the "fetch failed" of Node. */
function wordsOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { message = '', code = '' } = cause as {
    readonly message?: string;
    readonly code?: string;
  };
  return (message === '' ? code : message).replaceAll(/\s+/g, ' ').slice(0, 200);
}
