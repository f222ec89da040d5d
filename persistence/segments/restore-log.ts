// A log that will replace another: its parts are gathered for a snapshot of their own, which counts from the moment that a segment
// of the log names it. Until then a crash leaves the log as it was, and some parts that the next compaction removes.
import type { Cursor, LogRecord } from '../provider.ts';
import type { BlobStore } from './blob-store.ts';
import { snapshotFolder } from './blob-names.ts';
import type { Compacted } from './compact-log.ts';
import { PartWriter } from './part-writer.ts';

export class RestoredLog {
  readonly cursor: Cursor;
  readonly #folder: string;
  readonly #base: PartWriter;
  readonly #history: PartWriter;

  /** @param writer random, and not used for another */
  constructor(store: BlobStore, cursor: Cursor, writer: string) {
    this.cursor = cursor;
    this.#folder = snapshotFolder(cursor.compacted, writer);
    this.#base = new PartWriter(store, this.#folder, 'base');
    this.#history = new PartWriter(store, this.#folder, 'history');
  }

  /** In the order of replay(). */
  async add(records: readonly LogRecord[]): Promise<void> {
    const { compacted } = this.cursor;
    await this.#base.add(records.filter(({ revision }) => revision <= compacted));
    await this.#history.add(records.filter(({ revision }) => revision > compacted));
  }

  /** Everything that was added, stored. */
  async finish(): Promise<Compacted> {
    const { compacted, revision } = this.cursor;
    const base = await this.#base.finish();
    const history = await this.#history.finish();
    return { folder: this.#folder, contents: { compacted, revision, base, deltas: [], history } };
  }
}
