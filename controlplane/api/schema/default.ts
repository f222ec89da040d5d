// Fills in what a schema declares as default, as upstream does for custom resources (apiextensions-apiserver
// structural defaulting): in place, parents before children, never creating a parent only because a child has a default.
import { copyJson, entryOf, isJsonObject, setField } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import type { Property, Schema } from './schema.ts';
import type { Trusted } from './trusted.ts';

/** Whether the schema has the field's null replaced or dropped: null means "absent" unless the field is nullable. */
function isAbsent(value: unknown, schema: Schema): boolean {
  return value === undefined || (value === null && schema.nullable !== true);
}

function defaultOf(property: Property): unknown {
  return property.default === undefined ? property.schema.default : property.default;
}

/**
 * Changes `value` in place. A field that is absent, or null without being nullable, gets a copy of its default (the
 * property's own before its type's); such a null without a default is dropped. Built-in types are expected to hold no nulls
 * any more, as decoding leaves them: below those only defaults are looked for.
 *
 * @param trusted parts of the value that need not be looked at
 */
export function applyDefaults(schema: Schema, value: unknown, trusted?: Trusted): void {
  if (typeof value !== 'object' || value === null || isUntouched(schema)) return;
  if (trusted?.has(value) === true) return;
  if (Array.isArray(value)) {
    if (schema.items !== undefined) defaultItems(schema.items, value, trusted);
  } else if (isJsonObject(value)) {
    if (schema.properties !== undefined) defaultFields(schema, value, trusted);
    if (schema.additionalProperties !== undefined) defaultEntries(schema, value, trusted);
  }
}

function defaultItems(items: Schema, list: unknown[], trusted: Trusted | undefined): void {
  for (let at = 0; at < list.length; at += 1) {
    // A null item stays where there is no default: dropping it would renumber the list. Validation refuses it.
    if (isAbsent(list[at], items) && items.default !== undefined)
      list[at] = copyJson(items.default);
    applyDefaults(items, list[at], trusted);
  }
}

function defaultFields(schema: Schema, object: JsonObject, trusted: Trusted | undefined): void {
  for (const { name, property, fallback } of defaultedFields(schema)) {
    const present = Object.hasOwn(object, name);
    if (isAbsent(present ? object[name] : undefined, property.schema))
      setField(object, name, copyJson(fallback));
  }
  for (const name of Object.keys(object)) {
    const property = entryOf(schema.properties, name);
    if (property === undefined) continue;
    const value = object[name];
    if (isAbsent(value, property.schema)) delete object[name];
    else applyDefaults(property.schema, value, trusted);
  }
}

function defaultEntries(schema: Schema, object: JsonObject, trusted: Trusted | undefined): void {
  const values = schema.additionalProperties;
  if (values === undefined) return;
  for (const key of Object.keys(object)) {
    if (entryOf(schema.properties, key) !== undefined) continue;
    if (isAbsent(object[key], values)) {
      if (values.default === undefined) delete object[key];
      else setField(object, key, copyJson(values.default));
    }
    applyDefaults(values, object[key], trusted);
  }
}

interface Defaulted {
  readonly name: string;
  readonly property: Property;
  readonly fallback: unknown;
}

const defaulted = new WeakMap<Schema, readonly Defaulted[]>();

/** Few of a struct's many fields have a default. */
function defaultedFields(schema: Schema): readonly Defaulted[] {
  let found = defaulted.get(schema);
  if (found === undefined) {
    found = Object.entries(schema.properties ?? {})
      .map(([name, property]) => ({ name, property, fallback: defaultOf(property) }))
      .filter(({ fallback }) => fallback !== undefined);
    defaulted.set(schema, found);
  }
  return found;
}

const untouched = new WeakMap<Schema, boolean>();

/** A built-in type without a default in it or anywhere below. */
function isUntouched(schema: Schema): boolean {
  if (schema.component === undefined) return false;
  let found = untouched.get(schema);
  if (found === undefined) {
    found = !hasDefaults(schema, new Set());
    untouched.set(schema, found);
  }
  return found;
}

/** @param seen schemas may be recursive */
function hasDefaults(schema: Schema | undefined, seen: Set<Schema>): boolean {
  if (schema === undefined || seen.has(schema)) return false;
  seen.add(schema);
  return (
    defaultedFields(schema).length > 0 ||
    schema.items?.default !== undefined ||
    schema.additionalProperties?.default !== undefined ||
    hasDefaults(schema.items, seen) ||
    hasDefaults(schema.additionalProperties, seen) ||
    Object.values(schema.properties ?? {}).some(({ schema: below }) => hasDefaults(below, seen))
  );
}
