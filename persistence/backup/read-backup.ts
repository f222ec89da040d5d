// Reads a backup file. Nothing of it may be relied on before its end was seen: whoever acts on it reads it twice.
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { CorruptDataError, ForeignDataError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { recordsIn } from '../segments/record-line.ts';
import { parseEnd, parseHead } from './backup-format.ts';
import type { BackupEnd, BackupHead } from './backup-format.ts';
import { LiveObjects } from './summary.ts';

const NEWLINE = 10;
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** No line of ours is longer: an object has at most a few MiB. What has none in so many bytes is no backup. */
const LONGEST_LINE = 64 << 20;

export interface VerifiedBackup {
  readonly head: BackupHead;
  readonly end: BackupEnd;
  /** Where each object was last written, at `revision`. */
  readonly live: LiveObjects;
}

export class BackupFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Reads all of it and checks it: every line, the counts and the checksum.
   *
   * @param upTo the state at this revision; by default at the newest
   * @throws ForeignDataError, CorruptDataError, the signal's reason
   */
  async verify(
    signal: AbortSignal,
    options: {
      readonly upTo?: number | undefined;
      readonly onProgress?: (revision: number, head: BackupHead) => void;
    } = {},
  ): Promise<VerifiedBackup> {
    const all = new LiveObjects();
    const live = new LiveObjects();
    const { upTo = Infinity, onProgress } = options;
    const lines = this.#read(signal);
    let newest = 0;
    try {
      for (;;) {
        const { done, value } = await lines.next();
        if (done === true) {
          this.#compare(value.end, all, value.sha256);
          return { head: value.head, end: value.end, live };
        }
        const { records, head } = value;
        for (const { revision } of records) {
          if (revision <= newest || revision > head.revision)
            throw this.#damaged(`revision ${revision} follows ${newest}`);
          newest = revision;
        }
        all.add(records);
        live.add(records.filter(({ revision }) => revision <= upTo));
        onProgress?.(newest, head);
      }
    } finally {
      // Closes the file, whatever ended the reading.
      await lines[Symbol.asyncDispose]();
    }
  }

  /** The records in order. */
  async *records(signal: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
    for await (const { records } of this.#read(signal)) yield records;
  }

  async *#read(
    signal: AbortSignal,
  ): AsyncGenerator<
    { readonly records: readonly LogRecord[]; readonly head: BackupHead },
    { readonly head: BackupHead; readonly end: BackupEnd; readonly sha256: string }
  > {
    const hash = createHash('sha256');
    let head: BackupHead | undefined;
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#bytes()) {
      signal.throwIfAborted();
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (head === undefined) {
        const newline = rest.indexOf(NEWLINE);
        if (newline < 0 && rest.length < LONGEST_LINE) continue;
        head = parseHead(rest.toString('utf8', 0, Math.max(0, newline)), this.path);
        hash.update(rest.subarray(0, newline + 1));
        rest = rest.subarray(newline + 1);
      }
      if (rest.length > LONGEST_LINE && !rest.includes(NEWLINE))
        throw this.#damaged('a line has no end');
      // The last line that is whole may be the end, which is no record.
      const last = rest.lastIndexOf(NEWLINE);
      const before = last < 1 ? -1 : rest.lastIndexOf(NEWLINE, last - 1);
      if (before < 0) continue;
      yield { records: this.#parse(rest, before + 1, hash), head };
      rest = rest.subarray(before + 1);
    }
    if (head === undefined)
      throw new ForeignDataError(`Cannot read ${this.path}: it is not a backup of Windlass`);
    const first = rest.indexOf(NEWLINE);
    // One record and the end, when the file is so small that both came at once.
    const start = first >= 0 && first < rest.length - 1 ? first + 1 : 0;
    const end = parseEnd(rest.toString('utf8', start), this.path);
    if (start > 0) yield { records: this.#parse(rest, start, hash), head };
    return { head, end, sha256: hash.digest('hex') };
  }

  #parse(bytes: Buffer, end: number, hash: Hash): readonly LogRecord[] {
    hash.update(bytes.subarray(0, end));
    try {
      return [...recordsIn(bytes, 0, end)];
    } catch (error) {
      throw this.#damaged(`a line is not a record (${(error as Error).message})`, error);
    }
  }

  async *#bytes(): AsyncGenerator<Buffer> {
    const file = await open(this.path, 'r').catch((error: NodeJS.ErrnoException) => {
      throw new ForeignDataError(`Cannot read ${this.path}: ${error.code ?? error.message}`, {
        cause: error,
      });
    });
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
      const isCompressed = bytesRead === 4 && ZSTD_MAGIC.equals(buffer);
      const stream = file.createReadStream({ start: 0, highWaterMark: 1 << 20, autoClose: false });
      const bytes: Readable = isCompressed ? stream.pipe(createZstdDecompress()) : stream;
      stream.once('error', (error) => bytes.destroy(error));
      for await (const chunk of bytes) yield chunk as Buffer;
    } catch (error) {
      if (error instanceof ForeignDataError || error instanceof CorruptDataError) throw error;
      throw this.#damaged((error as Error).message, error);
    } finally {
      await file.close();
    }
  }

  #compare(end: BackupEnd, all: LiveObjects, sha256: string): void {
    if (end.sha256 !== sha256) throw this.#damaged('its checksum is wrong');
    const found: BackupEnd = { end: true, ...all.summary(), sha256 };
    if (JSON.stringify(end) !== JSON.stringify(found))
      throw this.#damaged('it does not hold what its end counts');
  }

  #damaged(why: string, cause?: unknown): CorruptDataError {
    return new CorruptDataError(`Cannot use ${this.path}: it is damaged: ${why}`, { cause });
  }
}
