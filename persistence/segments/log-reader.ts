// The records of a log in the order of revisions: first the state at the compacted revision, then each change after it. Reads blob
// by blob: besides a few of those, only the keys of the deltas are in memory.
import { CorruptDataError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { WorkerFailure } from '../thread/failures.ts';
import type { BlobStore } from './blob-store.ts';
import type { Change, LogState } from './log-state.ts';
import { readAhead } from './read-ahead.ts';
import { segmentRecords, wholeSegment } from './segment.ts';
import { digest, partRecords } from './snapshot.ts';
import type { Manifest, Part } from './snapshot.ts';

export function idOf({ kind, key }: Pick<LogRecord, 'kind' | 'key'>): string {
  return `${kind}\0${key}`;
}

/** Records of each blob in turn. @throws CorruptDataError naming the blob */
export async function* readBlobs<T extends Part | Change>(
  store: BlobStore,
  blobs: readonly T[],
): AsyncGenerator<{ readonly blob: T; readonly records: readonly LogRecord[] }> {
  for await (const { wanted: blob, body } of readAhead(store, blobs)) {
    if (body === undefined) throw damaged(store, `${blob.name}: it is missing`);
    yield { blob, records: recordsOf(store, blob, body) };
  }
}

function recordsOf(store: BlobStore, blob: Part | Change, body: Uint8Array): readonly LogRecord[] {
  try {
    if ('position' in blob && blob.position !== undefined) {
      const segment = wholeSegment(body, blob.position.segment, blob.name);
      if (segment.sha256 !== blob.sha256)
        throw new CorruptDataError(`${blob.name}: it has changed`);
      return [...segmentRecords(segment)];
    }
    if (digest(body) !== blob.sha256) {
      throw new CorruptDataError(`${blob.name}: its checksum is wrong`);
    }
    return [...partRecords(Buffer.from(body.buffer, body.byteOffset, body.byteLength))];
  } catch (error) {
    throw error instanceof CorruptDataError ? damaged(store, error.message) : error;
  }
}

/** The newest revision of each object that the deltas of a snapshot change. */
export async function newestInDeltas(
  store: BlobStore,
  manifest: Manifest | undefined,
): Promise<Map<string, number>> {
  const newest = new Map<string, number>();
  for await (const { records } of readBlobs(store, manifest?.deltas ?? [])) {
    for (const record of records) newest.set(idOf(record), record.revision);
  }
  return newest;
}

/** Objects at the compacted revision, those after `after`. */
async function* readState(
  store: BlobStore,
  manifest: Manifest,
  after: number,
): AsyncGenerator<readonly LogRecord[]> {
  const newest = await newestInDeltas(store, manifest);
  const wanted = ({ last }: Part): boolean => last > after;
  for await (const { records } of readBlobs(store, manifest.base.filter(wanted))) {
    yield records.filter((record) => record.revision > after && !newest.has(idOf(record)));
  }
  for await (const { records } of readBlobs(store, manifest.deltas.filter(wanted))) {
    yield records.filter(
      (record) =>
        record.revision > after &&
        record.value !== undefined &&
        newest.get(idOf(record)) === record.revision,
    );
  }
}

async function* readChanges(
  store: BlobStore,
  changes: readonly Change[],
  after: number,
): AsyncGenerator<readonly LogRecord[]> {
  const wanted = changes.filter(({ last }) => last > after);
  for await (const { records } of readBlobs(store, wanted)) {
    yield records.filter(({ revision }) => revision > after);
  }
}

/**
 * Records after a revision, blob by blob.
 *
 * @param history insists that no change after it is missing
 * @throws WorkerFailure `compacted`, CorruptDataError
 */
export async function* readLog(
  store: BlobStore,
  state: LogState,
  { after, history }: { readonly after: number; readonly history: boolean },
): AsyncGenerator<readonly LogRecord[]> {
  const manifest = state.snapshot?.manifest;
  const compacted = manifest?.compacted ?? 0;
  if (history && after < compacted) {
    throw new WorkerFailure({ type: 'compacted', revision: after, compacted });
  }
  // Taken now: the engine goes on adding to its list.
  const changes = [...state.changes];
  if (manifest !== undefined && after < compacted) yield* readState(store, manifest, after);
  yield* readChanges(store, changes, Math.max(after, compacted));
}

function damaged(store: BlobStore, what: string): CorruptDataError {
  return new CorruptDataError(
    `Cannot read ${store.location}: ${what}; restore it from a backup, or put it aside and start empty`,
  );
}
