// What of a configuration would replace a list or object as a whole, where the author may have meant only a part of it.
import { isJsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { itemSchema, propertyOf, shapeOf } from './shape.ts';

/** Paths of atomic lists, maps and structs in a value that fits its schema, as upstream finds and writes them. */
export function atomicsIn(schema: Schema, value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) {
    if (schema.type !== 'array' && schema.type !== 'any') return [];
    const own = shapeOf(schema, value) === 'leaf' ? [path] : [];
    const items = itemSchema(schema);
    return [
      ...own,
      ...(value as unknown[]).flatMap((item, at) => atomicsIn(items, item, `${path}[${at}]`)),
    ];
  }
  if (!isJsonObject(value) || (schema.type !== 'object' && schema.type !== 'any')) return [];
  const own = shapeOf(schema, value) === 'leaf' ? [path] : [];
  const below = Object.keys(value).flatMap((name) => {
    const property = propertyOf(schema, name);
    return property === undefined ? [] : atomicsIn(property.schema, value[name], `${path}.${name}`);
  });
  return [...own, ...below];
}
