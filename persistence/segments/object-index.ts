// Where each object is in a log, for who asks for single ones: only then is it made, by reading the log once, and from then on by
// reading what was written since. The write path knows nothing of it. Revisions only: an object keeps its own when it is compacted.
import type { LogRecord } from '../provider.ts';
import type { BlobStore } from './blob-store.ts';
import { readBlobs, readLog } from './log-reader.ts';
import { cursorOf } from './log-state.ts';
import type { LogState } from './log-state.ts';

export class ObjectIndex {
  readonly #store: BlobStore;
  /** By kind, then by key. */
  #revisions = new Map<string, Map<string, number>>();
  /** Up to here it knows of every change. */
  #through = -1;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** Forgets all: the log is another one. */
  clear(): void {
    this.#revisions = new Map();
    this.#through = -1;
  }

  /** Reads one blob. @throws CorruptDataError */
  async get(state: LogState, kind: string, key: string): Promise<LogRecord | undefined> {
    await this.#catchUp(state);
    const revision = this.#revisions.get(kind)?.get(key);
    if (revision === undefined) return undefined;
    const [found] = await this.#read(state, [revision]);
    return found;
  }

  /** In the order of revisions. Reads the blobs that have some of them. @throws CorruptDataError */
  async getAll(state: LogState, kind: string): Promise<readonly LogRecord[]> {
    await this.#catchUp(state);
    return this.#read(state, [...(this.#revisions.get(kind)?.values() ?? [])]);
  }

  async #catchUp(state: LogState): Promise<void> {
    // What was deleted before that is no longer said.
    if (this.#through < cursorOf(state).compacted) this.clear();
    for await (const records of readLog(this.#store, state, {
      after: this.#through,
      history: false,
    }))
      for (const record of records) this.#add(record);
    // The last change may have been a deletion that is compacted already.
    this.#through = Math.max(this.#through, state.revision);
  }

  #add({ kind, key, revision, value }: LogRecord): void {
    let ofKind = this.#revisions.get(kind);
    if (ofKind === undefined) this.#revisions.set(kind, (ofKind = new Map()));
    if (value === undefined) ofKind.delete(key);
    else ofKind.set(key, revision);
  }

  async #read(state: LogState, revisions: readonly number[]): Promise<readonly LogRecord[]> {
    const wanted = new Set(revisions);
    const sorted = revisions.toSorted((left, right) => left - right);
    const manifest = state.snapshot?.manifest;
    const blobs = [...(manifest?.base ?? []), ...(manifest?.deltas ?? []), ...state.changes];
    const found: LogRecord[] = [];
    const holding = blobs.filter(({ first, last }) => hasBetween(sorted, first, last));
    for await (const { records } of readBlobs(this.#store, holding))
      found.push(...records.filter(({ revision }) => wanted.delete(revision)));
    return found.toSorted((left, right) => left.revision - right.revision);
  }
}

function hasBetween(sorted: readonly number[], first: number, last: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < first) low = middle + 1;
    else high = middle;
  }
  return (sorted[low] ?? Infinity) <= last;
}
