// `x-kubernetes-list-type: set` and `map` promise that no item occurs twice. Built-in types with a patch strategy are not
// held to it here: their own rules decide (a container may name an environment variable twice).
import type { FieldError } from '../errors.ts';
import { duplicateField } from '../field-errors.ts';
import { canonicalJson, fieldOf, isJsonObject } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import type { Schema } from './schema.ts';

/** Adds one error per item that repeats an earlier one. Expects defaults to be applied: they are part of the keys. */
export function checkListType(
  schema: Schema,
  list: readonly unknown[],
  path: string,
  errors: FieldError[],
): void {
  if (schema.listType !== 'set' && schema.listType !== 'map') return;
  const keys = schema.listType === 'map' ? (schema.listMapKeys ?? []) : undefined;
  const seen = new Set<string>();
  for (const [at, item] of list.entries()) {
    const identity = keys === undefined ? item : keyOf(item, keys);
    const text = canonicalJson(identity);
    if (seen.has(text)) errors.push(duplicateField(`${path}[${at}]`, identity));
    seen.add(text);
  }
}

function keyOf(item: unknown, keys: readonly string[]): JsonObject {
  const key: JsonObject = {};
  if (!isJsonObject(item)) return key;
  for (const name of keys) {
    const value = fieldOf(item, name);
    if (value !== undefined) key[name] = value;
  }
  return key;
}
