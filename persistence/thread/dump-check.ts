// Whether what is being restored is a log at all: found before it replaces one.
import { CorruptDataError } from '../errors.ts';
import type { Cursor, LogRecord } from '../provider.ts';

export class DumpCheck {
  readonly #cursor: Cursor;
  readonly #state = new Set<string>();
  #newest = 0;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    const { epoch, revision, compacted } = cursor;
    const numbers = [epoch, revision, compacted];
    if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
      throw wrong(`epoch ${epoch}, revision ${revision} and compacted ${compacted} must be counts`);
    }
    if (compacted > revision) {
      throw wrong(`it is compacted up to ${compacted}, beyond its revision ${revision}`);
    }
  }

  /** @throws CorruptDataError */
  add(records: readonly LogRecord[]): void {
    const { revision: last, compacted } = this.#cursor;
    for (const { revision, kind, key, value } of records) {
      if (revision <= this.#newest) {
        throw wrong(`revision ${revision} follows ${this.#newest}`);
      }
      if (revision > last) throw wrong(`it holds revision ${revision}, above its own ${last}`);
      this.#newest = revision;
      if (revision > compacted) continue;
      if (value === undefined) throw wrong(`${kind} ${key} is deleted in the compacted part`);
      const id = `${kind}\0${key}`;
      if (this.#state.has(id)) throw wrong(`${kind} ${key} is twice in the compacted part`);
      this.#state.add(id);
    }
  }
}

function wrong(why: string): CorruptDataError {
  return new CorruptDataError(`Cannot restore what was given: ${why}`);
}
