// Writes records into parts of one size, one snapshot folder per writer, each read back before anything relies on it.
import type { LogRecord } from '../provider.ts';
import type { BlobStore } from './blob-store.ts';
import { partName } from './blob-names.ts';
import { PartBuilder, storePart } from './snapshot.ts';
import type { Part } from './snapshot.ts';

const PART_BYTES = 4 << 20;

export class PartWriter {
  readonly #store: BlobStore;
  readonly #folder: string;
  readonly #role: 'base' | 'delta' | 'history';
  readonly #builder = new PartBuilder();
  readonly #parts: Part[] = [];
  #count = 0;

  constructor(store: BlobStore, folder: string, role: 'base' | 'delta' | 'history') {
    this.#store = store;
    this.#folder = folder;
    this.#role = role;
  }

  async add(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      this.#builder.add(record);
      if (this.#builder.bytes >= PART_BYTES) await this.#flush();
    }
  }

  /** Takes over a part of an earlier snapshot as it is. */
  async share(part: Part): Promise<void> {
    await this.#flush();
    this.#parts.push(part);
  }

  /** What has been written, in order. */
  async finish(): Promise<readonly Part[]> {
    await this.#flush();
    return this.#parts;
  }

  async #flush(): Promise<void> {
    if (this.#builder.bytes === 0) return;
    this.#count += 1;
    const { part, body } = this.#builder.take(partName(this.#folder, this.#role, this.#count));
    await storePart(this.#store, part, body);
    this.#parts.push(part);
  }
}
