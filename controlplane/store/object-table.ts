// The live objects of one resource: by key, and in key order for lists.
import type { FieldIndex, IndexedObject } from './stored-object.ts';

export class ObjectTable {
  /** Storage key of the resource. */
  readonly resource: string;
  readonly index: FieldIndex = { selectable: {} };
  readonly #objects = new Map<string, IndexedObject>();
  #sorted: string[] = [];
  /** While loading, keys come in order of revision: sorted once at the end instead of at each insertion. */
  #isSorted = true;

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
    if (!this.#objects.has(key) && this.#isSorted) {
      this.#sorted.splice(lowerBound(this.#sorted, key), 0, key);
    }
    this.#objects.set(key, object);
  }

  delete(key: string): void {
    if (!this.#objects.delete(key) || !this.#isSorted) return;
    this.#sorted.splice(lowerBound(this.#sorted, key), 1);
  }

  /** From here on until the keys are next asked for, insertions leave them unsorted. */
  beginLoad(): void {
    this.#isSorted = false;
  }

  /** Keys in order; not to be kept across writes. */
  get sortedKeys(): readonly string[] {
    if (!this.#isSorted) {
      // Code unit order, as `<` has it; localeCompare would be wrong and slow.
      this.#sorted = [...this.#objects.keys()].toSorted();
      this.#isSorted = true;
    }
    return this.#sorted;
  }
}

/** Index of the first key that is not below `key`. */
export function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
