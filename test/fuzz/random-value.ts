// Values by a schema, most of them nearly right: what fits gets far into the server, and what does not fit is where it may stumble.
import type { Schema } from '#controlplane/api/schema/schema.ts';
import type { Random } from '../support/seed.ts';

/** Names that JavaScript has plans for, texts that parsers have opinions about, and plain ones. */
const TEXTS = [
  'a',
  'b',
  'x-y',
  'A_b',
  '',
  ' ',
  '0',
  '-1',
  '1.5',
  '10Mi',
  '100m',
  '1e400',
  '5%',
  '10s',
  '1h30m',
  'true',
  'null',
  '*',
  '/',
  '../..',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'self',
  'self.x',
  'size(self) > 0',
  'a.example.com',
  'a.example.com/b',
  'v1',
  'apps/v1',
  'example.com/v1',
  'Pod',
  'ConfigMap',
  '10.0.0.1',
  '::1',
  '10.0.0.0/8',
  'https://127.0.0.1:1/x',
  'http',
  'TCP',
  '2026-11-22T00:00:00Z',
  '9999-12-31T23:59:59.999999Z',
  '2026-02-30',
  'YQ==',
  'YQ',
  '{}',
  '[]',
  '{"a":',
  '$(A)',
  '$.a',
  '.spec.a',
  '\u0000',
  '\ud800',
  'ü',
  '😀',
  '\n',
  '\u2028',
  'a\\b',
  '"',
  "'",
  '\ufeff',
  'a'.repeat(64),
  'b'.repeat(254),
  'c'.repeat(5_000),
] as const;
const NUMBERS = [
  0,
  1,
  -1,
  2,
  80,
  443,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  2 ** 63,
  1.5,
  -0.1,
  1e308,
  1e-9,
];
/** Nodes of one value. */
const MOST_NODES = 400;

export class RandomValues {
  readonly #random: Random;
  #left = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  of(schema: Schema): unknown {
    this.#left = MOST_NODES;
    return this.#value(schema, 0);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.#random.next(items.length)] as T;
  }

  /** True once in so many. */
  once(inMany: number): boolean {
    return this.#random.next(inMany) === 0;
  }

  text(): string {
    return this.pick(TEXTS);
  }

  /** Anything that JSON can say. */
  any(depth = 0): unknown {
    this.#left -= 1;
    switch (this.#random.next(depth > 3 || this.#left < 0 ? 5 : 8)) {
      case 0:
        return null;
      case 1:
        return this.once(2);
      case 2:
        return this.pick(NUMBERS);
      case 3:
      case 4:
        return this.text();
      case 5:
        return Array.from({ length: this.#random.next(4) }, () => this.any(depth + 1));
      default:
        return this.#entries(this.#random.next(4), () => this.any(depth + 1));
    }
  }

  #value(schema: Schema, depth: number): unknown {
    this.#left -= 1;
    if (this.once(25)) return this.any(depth);
    if (schema.enum !== undefined && !this.once(8)) return this.pick(schema.enum);
    switch (schema.type) {
      case 'boolean':
        return this.once(2);
      case 'integer':
      case 'number':
        return this.pick(NUMBERS);
      case 'intOrString':
        return this.once(2) ? this.pick(NUMBERS) : this.text();
      case 'string':
        return this.#string(schema);
      case 'array':
        return this.#list(schema, depth);
      case 'object':
        return this.#object(schema, depth);
      case 'any':
        return this.any(depth);
    }
  }

  #string({ format }: Schema): unknown {
    if (this.once(4)) return this.text();
    switch (format) {
      case 'date-time':
      case 'micro-time':
        return '2026-11-22T00:00:00Z';
      case 'byte':
        return 'YQ==';
      case 'quantity':
        return this.pick(['1', '100m', '1Gi', '-1', '1e3']);
      case 'duration':
        return '5s';
      default:
        return this.pick(['a', 'b', 'x-y']);
    }
  }

  #list({ items }: Schema, depth: number): unknown[] {
    const length = this.#left < 0 || depth > 12 ? 0 : this.#random.next(3);
    return Array.from({ length }, () =>
      items === undefined ? this.any(depth) : this.#value(items, depth + 1),
    );
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const { properties, additionalProperties, required = [] } = schema;
    if (properties === undefined) {
      return this.#entries(this.#random.next(3), () =>
        additionalProperties === undefined
          ? this.any(depth + 1)
          : this.#value(additionalProperties, depth + 1),
      );
    }
    const result: Record<string, unknown> = {};
    const rarely = depth < 2 ? 2 : depth < 5 ? 5 : 12;
    for (const [name, property] of Object.entries(properties)) {
      const isWanted = required.includes(name) ? !this.once(20) : this.once(rarely);
      if (isWanted && this.#left > 0) define(result, name, this.#value(property.schema, depth + 1));
    }
    if (this.once(30)) define(result, this.text(), this.any(depth));
    return result;
  }

  #entries(count: number, value: () => unknown): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (let at = 0; at < count; at += 1) define(result, this.text(), value());
    return result;
  }
}

/** Also `__proto__`. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
