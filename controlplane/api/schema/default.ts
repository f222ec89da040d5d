// Fills in what a schema declares as default, as upstream does for custom resources (apiextensions-apiserver
// structural defaulting): in place, parents before children, never creating a parent only because a child has a default.
import { copyJson, entryOf, isJsonObject, setField } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import type { Property, Schema } from './schema.ts';

/** Whether the schema has the field's null replaced or dropped: null means "absent" unless the field is nullable. */
function isAbsent(value: unknown, schema: Schema): boolean {
  return value === undefined || (value === null && schema.nullable !== true);
}

function defaultOf(property: Property): unknown {
  return property.default === undefined ? property.schema.default : property.default;
}

/**
 * Changes `value` in place. A field that is absent, or null without being nullable, gets a copy of its default (the
 * property's own before its type's); such a null without a default is dropped.
 */
export function applyDefaults(schema: Schema, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) defaultItems(schema.items, value);
  } else if (isJsonObject(value)) {
    if (schema.properties !== undefined) defaultFields(schema.properties, value);
    if (schema.additionalProperties !== undefined) defaultEntries(schema, value);
  }
}

function defaultItems(items: Schema, list: unknown[]): void {
  for (let at = 0; at < list.length; at += 1) {
    // A null item stays where there is no default: dropping it would renumber the list. Validation refuses it.
    if (isAbsent(list[at], items) && items.default !== undefined)
      list[at] = copyJson(items.default);
    applyDefaults(items, list[at]);
  }
}

function defaultFields(properties: Readonly<Record<string, Property>>, object: JsonObject): void {
  for (const name of Object.keys(properties)) {
    const property = properties[name];
    if (property === undefined) continue;
    const present = Object.hasOwn(object, name);
    if (isAbsent(present ? object[name] : undefined, property.schema)) {
      const fallback = defaultOf(property);
      if (fallback !== undefined) setField(object, name, copyJson(fallback));
      else if (present) delete object[name];
    }
    if (Object.hasOwn(object, name)) applyDefaults(property.schema, object[name]);
  }
}

function defaultEntries(schema: Schema, object: JsonObject): void {
  const values = schema.additionalProperties;
  if (values === undefined) return;
  for (const key of Object.keys(object)) {
    if (entryOf(schema.properties, key) !== undefined) continue;
    if (isAbsent(object[key], values)) {
      if (values.default === undefined) delete object[key];
      else setField(object, key, copyJson(values.default));
    }
    applyDefaults(values, object[key]);
  }
}
