// What a stream of records comes to: the objects that live at its end, counted as it passes.
import { INTERNAL_KINDS } from '../log.ts';
import type { LogRecord } from '../provider.ts';

export interface Summary {
  /** Changes and objects, the log's own among them. */
  readonly records: number;
  /** Of values. */
  readonly bytes: number;
  /** Live objects at the end. */
  readonly objects: number;
  /** The same by kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

/** Where each live object of a log was last written. */
export class LiveObjects {
  readonly #revisions = new Map<string, number>();
  #records = 0;
  #bytes = 0;

  add(records: readonly LogRecord[]): void {
    for (const { kind, key, revision, value } of records) {
      this.#records += 1;
      this.#bytes += value?.byteLength ?? 0;
      if (value === undefined) this.#revisions.delete(idOf(kind, key));
      else this.#revisions.set(idOf(kind, key), revision);
    }
  }

  /** Whether this record is the state of an object at the end. */
  has({ kind, key, revision }: LogRecord): boolean {
    return this.#revisions.get(idOf(kind, key)) === revision;
  }

  get count(): number {
    return this.#revisions.size;
  }

  summary(): Summary {
    const kinds: Record<string, number> = {};
    for (const id of this.#revisions.keys()) {
      const kind = id.slice(0, id.indexOf('\0'));
      if (!kind.startsWith(INTERNAL_KINDS)) kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    const sorted = Object.fromEntries(
      Object.entries(kinds).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    const objects = Object.values(kinds).reduce((sum, count) => sum + count, 0);
    return { records: this.#records, bytes: this.#bytes, objects, kinds: sorted };
  }
}

function idOf(kind: string, key: string): string {
  return `${kind}\0${key}`;
}
