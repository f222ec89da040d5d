// Drops the fields a schema does not know. What is dropped is told, because strict field validation refuses it and the
// default mode warns about it.
import { entryOf, isJsonObject } from './json-value.ts';
import type { Schema } from './schema.ts';
import type { Trusted } from './trusted.ts';

/**
 * Changes `value` in place and returns the paths that were dropped, in document order: `spec.list[0].foo`.
 * Below `preserveUnknownFields` unknown fields stay, known ones are still pruned inside. Values of a type the schema does not
 * expect are left for validation.
 *
 * @param trusted parts of the value that need not be looked at
 */
export function pruneUnknown(schema: Schema, value: unknown, trusted?: Trusted): string[] {
  const dropped: string[] = [];
  prune(schema, value, '', dropped, trusted);
  return dropped;
}

function prune(
  schema: Schema,
  value: unknown,
  path: string,
  dropped: string[],
  trusted: Trusted | undefined,
): void {
  if (trusted?.has(value) === true) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [at, item] of value.entries()) {
      if (typeof item === 'object') prune(items, item, `${path}[${at}]`, dropped, trusted);
    }
    return;
  }
  if (!isJsonObject(value)) return;
  const keepsUnknown = schema.preserveUnknownFields === true || schema.type === 'any';
  for (const key of Object.keys(value)) {
    const known = entryOf(schema.properties, key)?.schema ?? schema.additionalProperties;
    const child = value[key];
    if (known !== undefined) {
      if (typeof child === 'object') prune(known, child, childPath(path, key), dropped, trusted);
    } else if (!keepsUnknown) {
      delete value[key];
      dropped.push(childPath(path, key));
    }
  }
}

function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
