// Which format the data has, and whether this program may read and write it.
import { CorruptDataError, ForeignDataError } from '../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { FORMAT } from './blob-names.ts';

/** Of what this program writes. */
export const SEGMENT_FORMAT = 1;

interface FormatFile {
  readonly format: number;
  /** The oldest format that a program must know to read it, and to write it. */
  readonly minReader: number;
  readonly minWriter: number;
}

/**
 * Reads the format, or writes ours where there is none yet.
 *
 * @throws ForeignDataError for a format that is too new to be read, CorruptDataError
 */
export async function openFormat(store: BlobStore): Promise<FormatFile> {
  const ours: FormatFile = { format: SEGMENT_FORMAT, minReader: 1, minWriter: 1 };
  let found = await store.get(FORMAT);
  if (found === undefined) {
    const body = Buffer.from(`${JSON.stringify({ program: 'windlass', ...ours })}\n`);
    await store.putIfAbsent(FORMAT, body);
    found = await store.get(FORMAT);
  }
  const format = parse(Buffer.from(found?.body ?? []).toString('utf8'));
  if (format === undefined) {
    throw new CorruptDataError(
      `Cannot open ${store.location}: ${FORMAT} says no format; restore it from a backup`,
    );
  }
  if (format.minReader > SEGMENT_FORMAT) throw tooNew(store, format, 'read');
  return format;
}

/** @throws ForeignDataError for a format that is too new to be written */
export function checkWritable(store: BlobStore, format: FormatFile): void {
  if (format.minWriter > SEGMENT_FORMAT) throw tooNew(store, format, 'write');
}

function tooNew(store: BlobStore, { format }: FormatFile, verb: string): ForeignDataError {
  return new ForeignDataError(
    `Cannot ${verb} ${store.location}: it has format ${format}, this program knows format ${SEGMENT_FORMAT}; use the program version that wrote it`,
  );
}

function parse(text: string): FormatFile | undefined {
  try {
    const parsed = JSON.parse(text) as Partial<FormatFile>;
    const { format, minReader, minWriter } = parsed;
    const isWhole = [format, minReader, minWriter].every((each) => Number.isSafeInteger(each));
    return isWhole ? (parsed as FormatFile) : undefined;
  } catch {
    return undefined;
  }
}

export type { FormatFile };
