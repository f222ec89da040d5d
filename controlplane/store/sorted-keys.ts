// Keys in order, in pieces: one array of a hundred thousand would be moved at each insertion, which takes longer than the write that
// caused it.

/** A piece is cut in two when it gets longer: short enough to be moved in no time, long enough that there are few. */
const MAXIMUM_PIECE = 1_024;

export class SortedKeys {
  /** In order, and none of them empty. */
  readonly #pieces: string[][] = [];
  #size = 0;

  /** @param keys each once, in any order */
  constructor(keys: Iterable<string>) {
    // Code unit order, as `<` has it; localeCompare would be wrong and slow.
    const sorted = [...keys].toSorted();
    const half = MAXIMUM_PIECE / 2;
    for (let start = 0; start < sorted.length; start += half)
      this.#pieces.push(sorted.slice(start, start + half));
    this.#size = sorted.length;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a key that is not there. */
  add(key: string): void {
    const index = this.#pieceOf(key);
    const piece = this.#pieces[index];
    this.#size += 1;
    if (piece === undefined) {
      this.#pieces.push([key]);
      return;
    }
    piece.splice(lowerBound(piece, key), 0, key);
    if (piece.length <= MAXIMUM_PIECE) return;
    this.#pieces.splice(index + 1, 0, piece.splice(MAXIMUM_PIECE / 2));
  }

  /** Takes out a key that is there. */
  delete(key: string): void {
    const index = this.#pieceOf(key);
    const piece = this.#pieces[index];
    if (piece === undefined) return;
    const place = lowerBound(piece, key);
    if (piece[place] !== key) return;
    piece.splice(place, 1);
    this.#size -= 1;
    if (piece.length === 0) this.#pieces.splice(index, 1);
  }

  /** How many keys are below `key`. */
  rank(key: string): number {
    const index = this.#pieceOf(key);
    let below = 0;
    for (let before = 0; before < index; before += 1) below += this.#pieces[before]?.length ?? 0;
    return below + lowerBound(this.#pieces[index] ?? [], key);
  }

  all(): string[] {
    return this.#pieces.flat();
  }

  /** Calls `isLast` with those of rank `start` and above, below `end`, until it says so. A generator would cost twice as much. */
  visit(start: number, end: number, isLast: (key: string) => boolean): void {
    let first = 0;
    for (const piece of this.#pieces) {
      const last = Math.min(piece.length, end - first);
      for (let place = Math.max(0, start - first); place < last; place += 1)
        if (isLast(piece[place] ?? '')) return;
      first += piece.length;
      if (first >= end) return;
    }
  }

  /** Index of the piece where the key is or would be: the last that begins at or below it, or the first. */
  #pieceOf(key: string): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pieces[middle]?.[0] ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Index of the first key that is not below `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
