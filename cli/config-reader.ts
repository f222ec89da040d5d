// Reads configuration files in upstream's forms. What is not served is refused by name: a rule that is passed over lets the wrong thing
// happen. Every error is a UsageError that names the flag, the file and the field.
import { readFileSync } from 'node:fs';
import { yaml } from '#platform/yaml.ts';
import { UsageError } from './usage-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

export class ConfigReader {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  /** YAML or JSON. */
  file(path: string): unknown {
    try {
      return yaml().parse(readFileSync(path, 'utf8'));
    } catch (error) {
      throw this.error('', `cannot be read: ${(error as Error).message.split('\n')[0]}`);
    }
  }

  error(field: string, why: string): UsageError {
    return new UsageError(`${this.#source}${field === '' ? '' : `: ${field}`} ${why}`);
  }

  object(value: unknown, field: string, known: readonly string[]): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.error(field, 'must be an object');
    const fields = value as Fields;
    const unknown = Object.keys(fields).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      const path = field === '' ? unknown : `${field}.${unknown}`;
      throw this.error(path, 'is not served; leave it out');
    }
    return fields;
  }

  /** Absent: none. */
  list(value: unknown, field: string): readonly unknown[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.error(field, 'must be a list');
    return value as readonly unknown[];
  }

  text(value: unknown, field: string): string {
    if (typeof value !== 'string' || value === '') throw this.error(field, 'must be a text');
    return value;
  }

  /** Absent: none. */
  texts(value: unknown, field: string): readonly string[] {
    return this.list(value, field).map((item, index) => {
      if (typeof item !== 'string') throw this.error(`${field}[${index}]`, 'must be a text');
      return item;
    });
  }
}
