// Reads and checks everything that is stored, blob by blob: both snapshots, and every segment.
import type { VerifiedSlice } from '../thread/protocol.ts';
import type { BlobStore } from './blob-store.ts';
import { idOf, newestInDeltas, readBlobs } from './log-reader.ts';
import type { Change, LogState } from './log-state.ts';
import type { Part } from './snapshot.ts';

const SLICE_BYTES = 4 << 20;

interface Counted {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Yields after each few megabytes. Counted are the objects at the compacted revision and the changes since; the rest is only
 * checked.
 *
 * @throws CorruptDataError naming the first damage
 */
export async function* verifyLog(store: BlobStore, state: LogState): AsyncGenerator<Counted> {
  const manifest = state.snapshot?.manifest;
  const compacted = manifest?.compacted ?? 0;
  const base = new Set<Part | Change>(manifest?.base);
  const deltas = new Set<Part | Change>(manifest?.deltas);
  const own = new Set([...base, ...deltas].map(({ name }) => name));
  const older = state.older?.manifest;
  const others = [...(older?.base ?? []), ...(older?.deltas ?? [])].filter(
    ({ name }) => !own.has(name),
  );
  const newest = await newestInDeltas(store, manifest);
  let counted = { records: 0, bytes: 0 };
  let read = 0;
  const blobs: readonly (Part | Change)[] = [...base, ...deltas, ...others, ...state.changes];
  const skipped = new Set<Part | Change>(others);
  for await (const { blob, records } of readBlobs(store, blobs)) {
    read += blob.bytes;
    for (const record of skipped.has(blob) ? [] : records) {
      const revision = newest.get(idOf(record));
      if (base.has(blob) && revision !== undefined) continue;
      if (deltas.has(blob) && (revision !== record.revision || record.value === undefined))
        continue;
      if (!base.has(blob) && !deltas.has(blob) && record.revision <= compacted) continue;
      counted = {
        records: counted.records + 1,
        bytes: counted.bytes + (record.value?.byteLength ?? 0),
      };
    }
    if (read < SLICE_BYTES) continue;
    yield counted;
    counted = { records: 0, bytes: 0 };
    read = 0;
  }
  yield counted;
}

/** Serves verifyLog() step by step to whoever asks for slices. */
export class Verification {
  readonly #running = new Map<string, AsyncGenerator<Counted>>();
  #count = 0;

  /** @param from undefined to begin, or the `next` of the slice before */
  async slice(
    from: string | undefined,
    begin: () => AsyncGenerator<Counted>,
  ): Promise<VerifiedSlice> {
    this.#count += 1;
    const name = from ?? String(this.#count);
    const source = this.#running.get(name) ?? begin();
    // One that nobody went on with.
    if (from === undefined) this.#running.clear();
    this.#running.set(name, source);
    const { done, value } = await source.next();
    if (done !== true) return { ...value, next: name };
    this.#running.delete(name);
    return { records: 0, bytes: 0, next: undefined };
  }
}
