// Compaction: a new snapshot at a later revision, written in steps between which batches pass. Most of the time only the newest
// changes of each object are gathered into deltas; when those have grown to half of the base, the base is written anew, and of it
// only the parts in which something was superseded.
import type { LogRecord } from '../provider.ts';
import type { BlobStore } from './blob-store.ts';
import { snapshotFolder } from './blob-names.ts';
import { idOf, newestInDeltas, readBlobs } from './log-reader.ts';
import type { Change, LogState, Snapshot } from './log-state.ts';
import { GENESIS } from './log-tail.ts';
import type { TailPosition } from './log-tail.ts';
import { PartWriter } from './part-writer.ts';
import type { Manifest, Part } from './snapshot.ts';

const DELTAS = 32;
/** A part smaller than that is not worth sharing. */
const SHARED_BYTES = 1 << 20;

interface Job {
  readonly store: BlobStore;
  readonly folder: string;
  readonly through: number;
  readonly manifest: Manifest | undefined;
  /** With something that the new snapshot is to hold. */
  readonly changes: readonly Change[];
}

/** Stored parts of a snapshot, which counts for nothing before a segment names it. */
export interface Compacted {
  readonly folder: string;
  readonly contents: Omit<Manifest, 'segment'>;
}

/** Writes the parts of a snapshot at `through`, above the compacted revision. Yields between steps; the log may grow meanwhile. */
export async function* compactLog(
  store: BlobStore,
  state: LogState,
  options: { readonly through: number; readonly writer: string },
): AsyncGenerator<undefined, Compacted> {
  const { through, writer } = options;
  const manifest = state.snapshot?.manifest;
  const compacted = manifest?.compacted ?? 0;
  const changes = state.changes.filter(({ first }) => first <= through);
  const position = lastWithin(changes, through, state.snapshot);
  const folder = snapshotFolder(through, writer);
  const job = { store, folder, through, manifest, changes };

  const newest = new Map<string, number>();
  for await (const { records } of readBlobs(store, changes)) {
    for (const record of records) {
      // The first segment can begin with what the snapshot before holds.
      if (record.revision > compacted && record.revision <= through) {
        newest.set(idOf(record), record.revision);
      }
    }
    yield;
  }
  const parts = isBaseDue(manifest, changes)
    ? yield* rebase(job, newest)
    : yield* extend(job, newest);

  const contents = {
    compacted: through,
    revision: Math.max(manifest?.revision ?? 0, through),
    after: position,
    ...parts,
    history: (manifest?.history ?? []).filter(({ last }) => last > through),
  };
  return { folder, contents };
}

/** Where the log goes on after a snapshot: behind the last segment of which nothing is needed any more. */
function lastWithin(
  changes: readonly Change[],
  through: number,
  snapshot: Snapshot | undefined,
): TailPosition {
  const within = changes.filter(({ last, position }) => last <= through && position !== undefined);
  const last = within.at(-1)?.position;
  if (last !== undefined || snapshot === undefined) return last ?? GENESIS;
  return snapshot.manifest.after ?? snapshot.position;
}

function isBaseDue(manifest: Manifest | undefined, changes: readonly Change[]): boolean {
  if (manifest === undefined || manifest.deltas.length >= DELTAS) return true;
  const sum = (parts: readonly { readonly bytes: number }[]): number =>
    parts.reduce((bytes, part) => bytes + part.bytes, 0);
  return (sum(manifest.deltas) + sum(changes)) * 2 >= sum(manifest.base);
}

type Parts = Pick<Manifest, 'base' | 'deltas'>;

async function* extend(
  { store, folder, manifest, changes }: Job,
  newest: ReadonlyMap<string, number>,
): AsyncGenerator<undefined, Parts> {
  const writer = new PartWriter(store, folder, 'delta');
  for await (const { records } of readBlobs(store, changes)) {
    // A deletion stays: it is what hides the object in the base.
    await writer.add(records.filter((record) => isNew(record, manifest, newest)));
    yield;
  }
  const deltas = [...(manifest?.deltas ?? []), ...(await writer.finish())];
  return { base: manifest?.base ?? [], deltas };
}

async function* rebase(
  { store, folder, manifest, changes }: Job,
  newest: ReadonlyMap<string, number>,
): AsyncGenerator<undefined, Parts> {
  const writer = new PartWriter(store, folder, 'base');
  const all = await newestInDeltas(store, manifest);
  for (const [id, revision] of newest) all.set(id, revision);
  const isLive = (record: LogRecord): boolean =>
    record.value !== undefined && all.get(idOf(record)) === record.revision;

  for await (const { blob, records } of readBlobs<Part>(store, manifest?.base ?? [])) {
    const kept = records.filter((record) => !all.has(idOf(record)));
    if (kept.length === records.length && blob.bytes >= SHARED_BYTES) await writer.share(blob);
    else await writer.add(kept);
    yield;
  }
  for await (const { records } of readBlobs<Part>(store, manifest?.deltas ?? [])) {
    await writer.add(records.filter(isLive));
    yield;
  }
  for await (const { records } of readBlobs(store, changes)) {
    await writer.add(records.filter((record) => isLive(record) && isNew(record, manifest, newest)));
    yield;
  }
  return { base: await writer.finish(), deltas: [] };
}

function isNew(
  record: LogRecord,
  manifest: Manifest | undefined,
  newest: ReadonlyMap<string, number>,
): boolean {
  return (
    record.revision > (manifest?.compacted ?? 0) && newest.get(idOf(record)) === record.revision
  );
}
