// Reads the keywords of one OpenAPI v3 schema node as users write it: each with its expected JSON type, a field error
// instead of a wrong one. Knows nothing of what the keywords mean.
import type { FieldError } from '../errors.ts';
import { typeInvalidField } from '../field-errors.ts';
import { fieldOf, isJsonObject } from './json-value.ts';
import type { JsonObject } from './json-value.ts';

export class KeywordReader {
  readonly #source: JsonObject;
  readonly path: string;
  readonly errors: FieldError[];

  constructor(source: JsonObject, path: string, errors: FieldError[]) {
    this.#source = source;
    this.path = path;
    this.errors = errors;
  }

  at(keyword: string): string {
    return `${this.path}.${keyword}`;
  }

  /** null counts as absent, as in upstream's decoding. */
  raw(keyword: string): unknown {
    return fieldOf(this.#source, keyword) ?? undefined;
  }

  has(keyword: string): boolean {
    return this.raw(keyword) !== undefined;
  }

  string(keyword: string): string | undefined {
    const value = this.raw(keyword);
    return typeof value === 'string' ? value : this.#refuse(keyword, value, 'a string');
  }

  boolean(keyword: string): boolean | undefined {
    const value = this.raw(keyword);
    return typeof value === 'boolean' ? value : this.#refuse(keyword, value, 'true or false');
  }

  number(keyword: string): number | undefined {
    const value = this.raw(keyword);
    return typeof value === 'number' ? value : this.#refuse(keyword, value, 'a number');
  }

  /** A limit on a length or count. */
  count(keyword: string): number | undefined {
    const value = this.raw(keyword);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
    return this.#refuse(keyword, value, 'a non-negative integer');
  }

  list(keyword: string): readonly unknown[] | undefined {
    const value = this.raw(keyword);
    return Array.isArray(value) ? (value as unknown[]) : this.#refuse(keyword, value, 'a list');
  }

  strings(keyword: string): readonly string[] | undefined {
    const value = this.raw(keyword);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.#refuse(keyword, value, 'a list of strings');
  }

  object(keyword: string): JsonObject | undefined {
    const value = this.raw(keyword);
    return isJsonObject(value) ? value : this.#refuse(keyword, value, 'an object');
  }

  #refuse(keyword: string, value: unknown, expected: string): undefined {
    if (value !== undefined) {
      this.errors.push(typeInvalidField(this.at(keyword), value, `must be ${expected}`));
    }
    return undefined;
  }
}
