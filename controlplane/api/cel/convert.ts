// From JSON to values, by schema: what an expression sees of an object. Expects the value to fit its schema.
import { entryOf, fieldOf, isJsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { escapeName } from './escape.ts';
import { parseDuration, parseTime } from './time.ts';
import { List, MapValue, ObjectValue } from './values.ts';
import type { MapKey, Value } from './values.ts';

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
/** Rules see nothing else of metadata: the rest is the server's, and not the same in all versions. */
const META_FIELDS = new Set(['name', 'generateName']);

/** Fields of a schema by their escaped names; made once per schema. */
const fieldTables = new WeakMap<Schema, ReadonlyMap<string, string>>();

export function fieldsOf(schema: Schema): ReadonlyMap<string, string> {
  let table = fieldTables.get(schema);
  if (table === undefined) fieldTables.set(schema, (table = escapedFields(schema, false)));
  return table;
}

/** @param isWhole with all of metadata, and values of any kind, as policies see objects */
export function escapedFields(schema: Schema, isWhole: boolean): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, { schema: child }] of Object.entries(schema.properties ?? {})) {
    if (!isWhole && schema.component === OBJECT_META && !META_FIELDS.has(name)) continue;
    const escaped = escapeName(name);
    // Values of any kind have no type that a rule could be checked against.
    if (escaped !== undefined && (isWhole || child.type !== 'any')) fields.set(escaped, name);
  }
  return fields;
}

export function toValue(schema: Schema, json: unknown): Value {
  if (json === null || json === undefined) return null;
  switch (schema.type) {
    case 'integer':
      return typeof json === 'number' && Number.isInteger(json) ? BigInt(json) : anyValue(json);
    case 'number':
      return typeof json === 'number' ? json : anyValue(json);
    case 'string':
      return typeof json === 'string' ? ofFormat(schema.format, json) : anyValue(json);
    case 'array': {
      if (!Array.isArray(json)) return anyValue(json);
      const { items = { type: 'any' }, listType = 'atomic' } = schema;
      return new List(
        (json as unknown[]).map((item) => toValue(items, item)),
        listType,
      );
    }
    case 'object':
      return isJsonObject(json) ? ofObject(schema, json) : anyValue(json);
    case 'boolean':
    case 'intOrString':
    case 'any':
      return anyValue(json);
  }
}

function ofObject(schema: Schema, json: Readonly<Record<string, unknown>>): Value {
  const { properties, additionalProperties } = schema;
  if (properties === undefined && additionalProperties !== undefined) {
    const entries = new Map<MapKey, Value>();
    for (const key of Object.keys(json)) entries.set(key, toValue(additionalProperties, json[key]));
    return new MapValue(entries);
  }
  const fields = fieldsOf(schema);
  return new ObjectValue(schema, json, (escaped) => {
    const name = fields.get(escaped);
    const property = name === undefined ? undefined : entryOf(properties, name);
    if (name === undefined || property === undefined) return undefined;
    const child = fieldOf(json, name);
    return child === undefined ? undefined : toValue(property.schema, child);
  });
}

/** Text that is not of its format stays text: formats are validated elsewhere. */
function ofFormat(format: string | undefined, text: string): Value {
  switch (format) {
    case 'byte':
      return new Uint8Array(Buffer.from(text, 'base64'));
    case 'date':
      return parseTime(`${text}T00:00:00Z`) ?? text;
    case 'date-time':
      return parseTime(text) ?? text;
    case 'duration':
      return parseDuration(text) ?? text;
    default:
      return text;
  }
}

/** A value by its JSON type alone. */
export function anyValue(json: unknown): Value {
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === 'string' || typeof json === 'boolean') return json;
  if (Array.isArray(json)) return new List((json as unknown[]).map(anyValue));
  if (!isJsonObject(json)) return null;
  return new MapValue(new Map(Object.keys(json).map((key) => [key, anyValue(json[key])])));
}
