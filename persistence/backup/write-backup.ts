// Writes a backup file. It has its name only once all of it is durable, and never replaces another.
import { createHash } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createZstdCompress } from 'node:zlib';
import { StorageFailedError, StorageFullError } from '../errors.ts';
import type { LogDump } from '../provider.ts';
import { recordLine } from '../segments/record-line.ts';
import { syncDirectory } from '../sync-directory.ts';
import { BACKUP_FORMAT } from './backup-format.ts';
import type { BackupEnd, BackupHead } from './backup-format.ts';
import { partialPath } from './remove-partials.ts';
import { LiveObjects } from './summary.ts';

/** Pieces of the file are written in about this size. */
const PIECE_BYTES = 256 * 1024;

export interface WriteBackupOptions {
  /** Ends in `.zst`: it is compressed. */
  readonly path: string;
  readonly dump: LogDump;
  /** Where the dump comes from, without secrets. */
  readonly source: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** Sets files that are being written apart. */
  readonly unique: string;
  readonly signal: AbortSignal;
  readonly onProgress?: (revision: number) => void;
}

/** What was written. */
export interface WrittenBackup {
  readonly head: BackupHead;
  readonly end: BackupEnd;
  /** Of the file. */
  readonly size: number;
}

/** A file has that name already; nothing was changed. */
export class BackupExistsError extends Error {
  constructor(path: string) {
    super(
      `Cannot write ${path}: there is a file of that name already; choose another, or remove it`,
    );
    this.name = 'BackupExistsError';
  }
}

/** @throws BackupExistsError, StorageFullError, StorageFailedError, what the dump's records throw, the signal's reason */
export async function writeBackup(options: WriteBackupOptions): Promise<WrittenBackup> {
  const path = resolve(options.path);
  const temporary = partialPath(path, options.unique);
  let file: FileHandle | undefined;
  try {
    await refuseExisting(path);
    file = await open(temporary, 'wx', 0o600);
    const written = await writeLines(file, options);
    await file.sync();
    const { size } = await file.stat();
    await link(temporary, path);
    await syncDirectory(dirname(path));
    return { ...written, size };
  } catch (error) {
    throw translated(error, path);
  } finally {
    await file?.close();
    await rm(temporary, { force: true });
  }
}

/** Before the work; link() sees to it in the end. */
async function refuseExisting(path: string): Promise<void> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return;
  await file.close();
  throw new BackupExistsError(path);
}

async function writeLines(
  file: FileHandle,
  options: WriteBackupOptions,
): Promise<Pick<WrittenBackup, 'head' | 'end'>> {
  const { dump, source, signal } = options;
  const head: BackupHead = {
    format: BACKUP_FORMAT,
    createdAt: new Date(options.now).toISOString(),
    source,
    epoch: dump.epoch,
    revision: dump.revision,
    compacted: dump.compacted,
  };
  const ending: { end?: BackupEnd } = {};
  const plain = Readable.from(pieces(head, options, ending), { objectMode: false });
  const bytes = options.path.endsWith('.zst') ? plain.pipe(createZstdCompress()) : plain;
  // A pipe does not carry errors along.
  plain.once('error', (error) => bytes.destroy(error));
  for await (const piece of bytes) {
    signal.throwIfAborted();
    await writeAll(file, piece as Buffer);
  }
  if (ending.end === undefined) throw new TypeError('a backup was written without its end');
  return { head, end: ending.end };
}

async function* pieces(
  head: BackupHead,
  { dump, onProgress }: WriteBackupOptions,
  ending: { end?: BackupEnd },
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const live = new LiveObjects();
  let parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(head)}\n`)];
  let size = 0;
  const take = (): Buffer => {
    const piece = Buffer.concat(parts);
    hash.update(piece);
    parts = [];
    size = 0;
    return piece;
  };
  for await (const records of dump.records) {
    live.add(records);
    for (const record of records) {
      for (const part of recordLine(record)) {
        parts.push(part);
        size += part.byteLength;
      }
      if (size >= PIECE_BYTES) yield take();
    }
    onProgress?.(records.at(-1)?.revision ?? 0);
  }
  yield take();
  ending.end = { end: true, ...live.summary(), sha256: hash.digest('hex') };
  yield Buffer.from(`${JSON.stringify(ending.end)}\n`);
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) {
    const { bytesWritten } = await file.write(bytes, offset);
    offset += bytesWritten;
  }
}

function translated(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST') return new BackupExistsError(path);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageFullError(path, { cause: error });
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code))
    return new StorageFailedError(`Cannot write ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  return error;
}
