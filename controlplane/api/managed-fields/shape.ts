// How a value of a schema is owned: as one (a leaf), or by its fields or items. Where a schema says nothing, as below
// x-kubernetes-preserve-unknown-fields, the value itself decides: objects by their fields, all else as one.
import { entryOf, isJsonObject } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import type { Property, Schema } from '../schema/schema.ts';
import { keyElement, valueElement } from './path-element.ts';

/** `map` has fields, `list` has items that are told apart by keys or by their value. */
export type Shape = 'leaf' | 'map' | 'list';

/** The schema of values that no schema describes. */
const DEDUCED: Schema = { type: 'any', preserveUnknownFields: true };

/** @param value decides where the schema leaves it open */
export function shapeOf(schema: Schema, value: unknown): Shape {
  switch (schema.type) {
    case 'object':
      return schema.mapType === 'atomic' ? 'leaf' : 'map';
    case 'array':
      return schema.listType === 'set' || schema.listType === 'map' ? 'list' : 'leaf';
    case 'any':
      // Built-in types with any content (RawExtension, JSON) are owned as one.
      if (schema.component !== undefined) return 'leaf';
      return isJsonObject(value) || value === null ? 'map' : 'leaf';
    default:
      return 'leaf';
  }
}

/** The declared field of a struct, if it is one. */
export function propertyOf(schema: Schema, name: string): Property | undefined {
  return entryOf(schema.properties, name);
}

/** The schema of an object's member. */
export function memberSchema(schema: Schema, name: string): Schema {
  return propertyOf(schema, name)?.schema ?? schema.additionalProperties ?? DEDUCED;
}

export function itemSchema(schema: Schema): Schema {
  return schema.items ?? DEDUCED;
}

/** An object's members, or none. */
export function membersOf(value: unknown): Readonly<JsonObject> {
  return isJsonObject(value) ? value : {};
}

export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/**
 * The path element of an item of a `list`. Keys that are absent have their defaults.
 *
 * @throws Error in upstream's words when the item has none
 */
export function itemElement(schema: Schema, item: unknown): string {
  if (schema.listType !== 'map') return setElement(item);
  if (item === null) throw new Error('associative list with keys may not have a null element');
  if (!isJsonObject(item)) {
    throw new Error('associative list with keys may not have non-map elements');
  }
  const keys: JsonObject = {};
  const names = schema.listMapKeys ?? [];
  for (const name of names) {
    const property = propertyOf(itemSchema(schema), name);
    const value = entryOf(item, name) ?? keyDefault(property);
    if (value !== undefined) keys[name] = value;
  }
  if (Object.keys(keys).length === 0) {
    const all = names.map((name) => JSON.stringify(name)).join(' ');
    throw new Error(
      `associative list with keys has an element that omits all key fields [${all}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(keys);
}

function keyDefault(property: Property | undefined): unknown {
  const value = property?.default ?? property?.schema.default;
  if (value !== undefined) return value;
  // A key that upstream's decoder would set to '' is that, said or not.
  return typeof property?.zero === 'object' ? undefined : property?.zero;
}

function setElement(item: unknown): string {
  if (item === null || item === undefined) {
    throw new Error("associative list without keys has an element that's an explicit null");
  }
  if (Array.isArray(item))
    throw new Error('not supported: associative list with lists as elements');
  if (typeof item === 'object') {
    throw new Error("associative list without keys has an element that's a map type");
  }
  return valueElement(item);
}

/** Items by their elements, in order of appearance; those that occur twice have several. Items without an element are left out. */
export function itemsByElement(schema: Schema, list: unknown): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of itemsOf(list)) {
    const element = tryElement(schema, item);
    if (element === undefined) continue;
    const same = found.get(element);
    if (same === undefined) found.set(element, [item]);
    else same.push(item);
  }
  return found;
}

function tryElement(schema: Schema, item: unknown): string | undefined {
  try {
    return itemElement(schema, item);
  } catch {
    return undefined;
  }
}
