// Deletes what no snapshot that is kept needs: two of them, and every segment after the older one. A slower writer that was taken
// over must not delete what its successor relies on: it looks at the epochs after it has listed what it would delete.
import type { BlobStore } from './blob-store.ts';
import { SNAPSHOTS, WAL, numberIn } from './blob-names.ts';
import { newestEpoch } from './load-log.ts';
import type { Snapshot } from './log-state.ts';
import { partsOf } from './snapshot.ts';

const SLICE = 64;

export interface Kept {
  readonly snapshot: Snapshot | undefined;
  readonly older: Snapshot | undefined;
  /** Under which one may delete. */
  readonly epoch: number;
}

/** Yields between slices. Stops without a word when somebody else has claimed the log. */
export async function* removeUnneeded(store: BlobStore, kept: Kept): AsyncGenerator<undefined> {
  const names = await unneeded(store, kept);
  for (let start = 0; start < names.length; start += SLICE) {
    if ((await newestEpoch(store)) !== kept.epoch) return;
    for (const name of names.slice(start, start + SLICE)) await store.delete(name);
    yield;
  }
}

async function unneeded(store: BlobStore, { snapshot, older }: Kept): Promise<readonly string[]> {
  if (snapshot === undefined) return [];
  const snapshots = [snapshot, ...(older === undefined ? [] : [older])];
  const needed = new Set(
    snapshots.flatMap(({ name, manifest }) => [
      name,
      ...partsOf(manifest).map((part) => part.name),
    ]),
  );
  const names: string[] = [];
  // Segments first, the oldest first: what is left is always readable from a snapshot.
  const oldest = oldestSegment({ snapshot, older });
  for await (const { name } of store.list(WAL)) {
    const number = numberIn(name);
    if (number !== undefined && number < oldest) names.push(name);
  }
  for await (const { name } of store.list(SNAPSHOTS)) {
    if (!needed.has(name)) names.push(name);
  }
  return names;
}

function oldestSegment({ snapshot, older }: Pick<Kept, 'snapshot' | 'older'>): number {
  // A snapshot counts only with the segment that names it, which is after those that it needs, or the only one.
  const first = ({ manifest }: Snapshot): number =>
    manifest.after === undefined ? manifest.segment : manifest.after.segment + 1;
  if (snapshot !== undefined && snapshot.manifest.after === undefined) return first(snapshot);
  // Without an older snapshot the log is still whole, from its first segment on.
  return older === undefined ? 0 : first(older);
}
