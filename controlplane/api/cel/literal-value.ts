// Objects as mutations write them, and any value as the JSON that it stands for.
import { EvaluationError } from './meter.ts';
import { formatDuration, formatTime } from './time.ts';
import {
  Duration,
  List,
  MapValue,
  ObjectValue,
  Opaque,
  Timestamp,
  Uint,
  typeOf,
} from './values.ts';
import type { Value } from './values.ts';

export const OBJECT = 'Object';
export const JSON_PATCH = 'JSONPatch';
/** Of what stands below an object: its name says where, which is looked at only when there is a value. */
export const OBJECT_FIELD = 'Object.field';

/** An object as a literal names its fields. */
export class LiteralValue extends Opaque {
  readonly typeName: string = OBJECT_FIELD;
  /** As it was written: `Object.spec.template`. */
  readonly path: string;
  readonly fields: ReadonlyMap<string, Value>;

  constructor(path: string, fields: ReadonlyMap<string, Value>) {
    super();
    this.path = path;
    this.fields = fields;
  }

  canonical(): string {
    return `${this.path}${JSON.stringify(jsonOf(this))}`;
  }

  override field(name: string): Value | undefined {
    return this.fields.get(name);
  }
}

export class ObjectLiteral extends LiteralValue {
  override readonly typeName = OBJECT;
}

export class PatchLiteral extends LiteralValue {
  override readonly typeName = JSON_PATCH;
}

/** @throws EvaluationError for what JSON has no form for */
export function jsonOf(value: Value): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof List) return value.items.map(jsonOf);
  if (value instanceof MapValue) return objectOf(value.entries);
  if (value instanceof LiteralValue) return objectOf(value.fields);
  if (value instanceof ObjectValue) return value.raw;
  if (value instanceof Timestamp) return formatTime(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  throw new EvaluationError(`a value of type ${typeOf(value)} could not marshal to JSON`);
}

function objectOf(entries: ReadonlyMap<unknown, Value>): Readonly<Record<string, unknown>> {
  const fields = [...entries].map(([key, value]) => {
    if (typeof key === 'string') return [key, jsonOf(value)] as const;
    throw new EvaluationError(
      `map key ${JSON.stringify(String(key))} is of type ${typeof key}, not string`,
    );
  });
  return Object.fromEntries(fields);
}

/** Where the name of a literal's type is not that of the field it stands in, in upstream's words. */
export function misnamed(value: Value, path: string): readonly string[] {
  if (value instanceof LiteralValue) {
    const own =
      value.path === path
        ? []
        : [
            `unexpected type name ${JSON.stringify(value.path)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
          ];
    return [
      ...own,
      ...[...value.fields].flatMap(([name, field]) => misnamed(field, `${path}.${name}`)),
    ];
  }
  if (value instanceof List) return value.items.flatMap((item) => misnamed(item, path));
  if (value instanceof MapValue) {
    return [...value.entries.values()].flatMap((item) => misnamed(item, path));
  }
  return [];
}
