// The live objects of one resource: by key, and in key order for lists.
import { SortedKeys } from './sorted-keys.ts';
import type { FieldIndex, IndexedObject } from './stored-object.ts';

export class ObjectTable {
  /** Storage key of the resource. */
  readonly resource: string;
  readonly index: FieldIndex = { selectable: {} };
  readonly #objects = new Map<string, IndexedObject>();
  /** Undefined while loading: keys come in order of revision, and are sorted once at the end instead of at each insertion. */
  #sorted: SortedKeys | undefined = new SortedKeys([]);

  constructor(resource: string) {
    this.resource = resource;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): IndexedObject | undefined {
    return this.#objects.get(key);
  }

  set(key: string, object: IndexedObject): void {
    if (this.#sorted !== undefined && !this.#objects.has(key)) this.#sorted.add(key);
    this.#objects.set(key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#sorted?.delete(key);
  }

  /** From here on until the keys are next asked for, insertions leave them unsorted. */
  beginLoad(): void {
    this.#sorted = undefined;
  }

  /** Keys in order; not to be kept across writes. */
  get sortedKeys(): SortedKeys {
    return (this.#sorted ??= new SortedKeys(this.#objects.keys()));
  }
}
