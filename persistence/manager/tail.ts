// The newest batches in memory, for replicas that are close behind. Bounded: whoever is further behind reads from the primary.
const MAXIMUM_BYTES = 64 << 20;

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
  #entries: TailEntry[] = [];
  #bytes = 0;

  constructor(maximumBytes = MAXIMUM_BYTES) {
    this.#maximumBytes = maximumBytes;
  }

  push(entry: TailEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.batch.byteLength;
    while (this.#bytes > this.#maximumBytes && this.#entries.length > 1) this.#drop();
  }

  /** Forgets what everybody has. */
  trim(through: number): void {
    for (let [first] = this.#entries; first !== undefined && first.last <= through;) {
      this.#drop();
      [first] = this.#entries;
    }
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  /**
   * What follows a revision, up to about `bytes`; at least one entry. Undefined when the tail does not reach back to there, or
   * nothing follows.
   */
  after(revision: number, bytes: number): readonly TailEntry[] | undefined {
    const start = this.#entries.findIndex(({ base }) => base === revision);
    if (start < 0) return undefined;
    let end = start;
    let size = 0;
    for (; end < this.#entries.length; end += 1) {
      size += this.#entries[end]?.batch.byteLength ?? 0;
      if (end > start && size > bytes) break;
    }
    return this.#entries.slice(start, end);
  }

  /** Bytes of what follows a revision and lies here, and since when the oldest of it has been there. */
  pending(revision: number): { readonly bytes: number; readonly since: number | undefined } {
    let bytes = 0;
    let since: number | undefined;
    for (const { last, batch, at } of this.#entries) {
      if (last <= revision) continue;
      bytes += batch.byteLength;
      since ??= at;
    }
    return { bytes, since };
  }

  #drop(): void {
    this.#bytes -= this.#entries.shift()?.batch.byteLength ?? 0;
  }
}
