// Pages of a log for those who read it step by step. Whoever asks for what follows the page before gets it from the same reader,
// which has the next blobs at hand already.
import type { LogRecord } from '../provider.ts';

const PAGE_ROWS = 2_000;
const PAGE_BYTES = 1 << 20;
/** Readers at once; the one that was not used for longest makes room. */
const READERS = 4;

interface Reader {
  after: number;
  readonly history: boolean;
  readonly source: AsyncGenerator<readonly LogRecord[]>;
  /** Read and not given yet. */
  records: readonly LogRecord[];
  offset: number;
}

export interface Place {
  readonly after: number;
  readonly history: boolean;
}

export class PageReaders {
  readonly #open: (place: Place) => AsyncGenerator<readonly LogRecord[]>;
  /** Last used last. */
  #readers: Reader[] = [];
  #isUsed = false;

  constructor(open: (place: Place) => AsyncGenerator<readonly LogRecord[]>) {
    this.#open = open;
  }

  /** Says that somebody reads by other ways. */
  touch(): void {
    this.#isUsed = true;
  }

  /** True when nobody has read since the last sweep; then those who began before are let go. */
  sweep(): boolean {
    const wasUsed = this.#isUsed;
    this.#isUsed = false;
    if (!wasUsed) this.clear();
    return !wasUsed;
  }

  /** The records after a revision, as many as fit a page; none when there are no more. */
  async read(place: Place): Promise<readonly LogRecord[]> {
    this.#isUsed = true;
    const reader = this.#take(place);
    const page: LogRecord[] = [];
    let bytes = 0;
    while (page.length < PAGE_ROWS && bytes < PAGE_BYTES) {
      const record = reader.records[reader.offset];
      if (record === undefined) {
        const next = await reader.source.next();
        if (next.done === true) break;
        reader.records = next.value;
        reader.offset = 0;
        continue;
      }
      reader.offset += 1;
      page.push(record);
      bytes += record.value?.byteLength ?? 0;
    }
    const last = page.at(-1);
    // At its end the next page, if there is one, is in what was written since.
    if (last === undefined) return page;
    reader.after = last.revision;
    this.#readers.push(reader);
    if (this.#readers.length > READERS) this.#readers.shift();
    return page;
  }

  /** Lets those go who read what is there no more. */
  clear(): void {
    this.#readers = [];
  }

  #take({ after, history }: Place): Reader {
    const index = this.#readers.findIndex(
      (reader) => reader.after === after && reader.history === history,
    );
    const [found] = index === -1 ? [] : this.#readers.splice(index, 1);
    return (
      found ?? { after, history, source: this.#open({ after, history }), records: [], offset: 0 }
    );
  }
}
