// The newest batches in memory, for replicas that are close behind. Bounded: whoever is further behind reads from the primary.
import { batchAfter } from '../encoding.ts';

const MAXIMUM_BYTES = 64 << 20;
/** Places of dropped entries that may be left at the front: a list of many small batches is not moved at each write. */
const FRONT = 1_024;

export interface TailEntry {
  /** The primary's revision before and after the batch. */
  readonly base: number;
  readonly last: number;
  readonly batch: ArrayBuffer;
  /** Milliseconds since the Unix epoch when the primary had it. */
  readonly at: number;
}

export class Tail {
  readonly #maximumBytes: number;
  /** Each begins where the one before ends, or later. */
  #entries: (TailEntry | undefined)[] = [];
  /** Before it there is nothing any more. */
  #front = 0;
  #bytes = 0;

  constructor(maximumBytes = MAXIMUM_BYTES) {
    this.#maximumBytes = maximumBytes;
  }

  /** The entry's buffer is the tail's from now on: it is given back when the entry is dropped. */
  push(entry: TailEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.batch.byteLength;
    while (this.#bytes > this.#maximumBytes && this.#entries.length - this.#front > 1) this.#drop();
  }

  /** Forgets what everybody has. */
  trim(through: number): void {
    for (let first = this.#entries[this.#front]; first !== undefined && first.last <= through;) {
      this.#drop();
      first = this.#entries[this.#front];
    }
  }

  /** Whether it can go on from a revision that is not the newest. */
  follows(revision: number): boolean {
    const entry = this.#entries[this.#find(revision)];
    return entry !== undefined && entry.base <= revision;
  }

  /**
   * What follows a revision, up to about `bytes`; at least one entry, of which the first begins there. Undefined when the tail does not
   * reach back to there, or nothing follows.
   */
  after(revision: number, bytes: number): readonly TailEntry[] | undefined {
    if (!this.follows(revision)) return undefined;
    const found: TailEntry[] = [];
    let size = 0;
    let end = revision;
    for (let at = this.#find(revision); at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry === undefined || entry.base > end) break;
      size += entry.batch.byteLength;
      if (found.length > 0 && size > bytes) break;
      found.push(entry.base < revision ? cut(entry, revision) : entry);
      end = entry.last;
    }
    return found;
  }

  /** Bytes of what follows a revision and lies here, and since when the oldest of it has been there. */
  pending(revision: number): { readonly bytes: number; readonly since: number | undefined } {
    let bytes = 0;
    const start = this.#find(revision);
    for (let at = start; at < this.#entries.length; at += 1)
      bytes += this.#entries[at]?.batch.byteLength ?? 0;
    return { bytes, since: this.#entries[start]?.at };
  }

  /** Of the first entry with something after a revision. */
  #find(revision: number): number {
    let low = this.#front;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.last ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #drop(): void {
    const dropped = this.#entries[this.#front];
    this.#bytes -= dropped?.batch.byteLength ?? 0;
    // Given back now: left to the garbage collector, as many bytes of buffers that have grown old make it look through everything.
    dropped?.batch.transfer(0);
    this.#entries[this.#front] = undefined;
    this.#front += 1;
    if (this.#front < FRONT || this.#front * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#front);
    this.#front = 0;
  }
}

function cut(entry: TailEntry, revision: number): TailEntry {
  return { ...entry, base: revision, batch: batchAfter(entry.batch, revision) };
}
