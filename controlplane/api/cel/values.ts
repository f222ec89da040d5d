// What expressions compute with: CEL's types as JavaScript values. int is bigint, double is number; everything that JSON
// has no type for is a class here. Pure data: equality and order are in compare.ts, conversion from JSON in convert.ts.
import type { Schema } from '../schema/schema.ts';

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since the epoch. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** What `type(x)` gives. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Optional {
  static readonly none = new Optional(undefined);
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export type ListKind = 'atomic' | 'set' | 'map';

/** A list; sets and map lists of a schema are equal in any order. */
export class List {
  readonly items: readonly Value[];
  readonly kind: ListKind;
  constructor(items: readonly Value[], kind: ListKind = 'atomic') {
    this.items = items;
    this.kind = kind;
  }
}

export type MapKey = string | bigint | boolean;

export class MapValue {
  readonly entries: ReadonlyMap<MapKey, Value>;
  constructor(entries: ReadonlyMap<MapKey, Value>) {
    this.entries = entries;
  }
}

/** An object of a schema: fields are converted when they are asked for. */
export class ObjectValue {
  readonly schema: Schema;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #fields = new Map<string, Value | undefined>();
  readonly #convert: (name: string) => Value | undefined;

  /** @param convert the field under its escaped name, undefined when it is absent */
  constructor(
    schema: Schema,
    raw: Readonly<Record<string, unknown>>,
    convert: (name: string) => Value | undefined,
  ) {
    this.schema = schema;
    this.raw = raw;
    this.#convert = convert;
  }

  get(name: string): Value | undefined {
    if (this.#fields.has(name)) return this.#fields.get(name);
    const value = this.#convert(name);
    this.#fields.set(name, value);
    return value;
  }
}

/** A value of one of the Kubernetes libraries: equal when its canonical text is. */
export abstract class Opaque {
  /** Its CEL type. */
  abstract readonly typeName: string;
  abstract canonical(): string;

  /** What `value.name` gives, where it has such a field. */
  field(_name: string): Value | undefined {
    return undefined;
  }
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | List
  | MapValue
  | ObjectValue
  | Opaque;

/** The name of a value's type, as messages and overloads have it. */
export function typeOf(value: Value): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    default:
      break;
  }
  if (value === null) return 'null_type';
  if (value instanceof List) return 'list';
  if (value instanceof MapValue) return 'map';
  if (value instanceof ObjectValue) return 'object';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional';
  if (value instanceof Uint) return 'uint';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof Uint8Array) return 'bytes';
  return value.typeName;
}

/** How much there is to walk over: characters, bytes or items; 1 for what has no parts. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (value instanceof List) return value.items.length;
  if (value instanceof MapValue) return value.entries.size;
  return 1;
}
