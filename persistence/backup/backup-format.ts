// A backup as one file of lines, each JSON: a head, the records of a log in the order of replay(), and an end with a checksum of
// everything before it. `jq` reads it; a file whose end is missing is none.
import { CorruptDataError, ForeignDataError } from '../errors.ts';
import type { Cursor } from '../provider.ts';
import type { Summary } from './summary.ts';

export const BACKUP_FORMAT = 'windlass-backup/v1';

export interface BackupHead extends Cursor {
  readonly format: typeof BACKUP_FORMAT;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Where it was read from, without secrets. */
  readonly source: string;
}

export interface BackupEnd extends Summary {
  readonly end: true;
  /** Of every byte before this line, in hexadecimal. */
  readonly sha256: string;
}

/** @throws ForeignDataError for what is no head of ours */
export function parseHead(line: string, path: string): BackupHead {
  const value = parse(line);
  const { format, epoch, revision, compacted, createdAt, source } = value ?? {};
  if (
    typeof format === 'string' &&
    format !== BACKUP_FORMAT &&
    format.startsWith('windlass-backup/')
  )
    throw new ForeignDataError(
      `Cannot read ${path}: its format is ${format}, this version reads ${BACKUP_FORMAT}; use a newer version of Windlass`,
    );
  const numbers = [epoch, revision, compacted];
  if (
    format !== BACKUP_FORMAT ||
    typeof createdAt !== 'string' ||
    typeof source !== 'string' ||
    !numbers.every((number) => Number.isSafeInteger(number))
  )
    throw new ForeignDataError(`Cannot read ${path}: it is not a backup of Windlass`);
  return { format, createdAt, source, epoch, revision, compacted } as BackupHead;
}

/** @throws CorruptDataError when the file ends before its end */
export function parseEnd(line: string, path: string): BackupEnd {
  const value = parse(line);
  const { end, sha256, records, bytes, objects, kinds } = value ?? {};
  const isEnd = end === true && typeof sha256 === 'string' && typeof kinds === 'object';
  if (!isEnd || ![records, bytes, objects].every((count) => Number.isSafeInteger(count)))
    throw new CorruptDataError(
      `Cannot read ${path}: it ends in the middle; it was cut off, or its backup never finished`,
    );
  return value as unknown as BackupEnd;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
