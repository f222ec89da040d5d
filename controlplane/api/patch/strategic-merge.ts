// Strategic merge patch: a merge patch that knows from the schema which lists merge and by which key, with directives
// ($patch, $retainKeys, $setElementOrder/<list>, $deleteFromPrimitiveList/<list>). Semantics of upstream's strategicpatch;
// only built-in types have the patch strategies that make it differ from a merge patch.
import { badRequest } from '../errors.ts';
import { entryOf, fieldOf, isJsonObject, setField } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import type { Property, Schema } from '../schema/schema.ts';
import { patchDoesNotFit } from './patch-error.ts';
import { mergeList } from './strategic-list.ts';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/**
 * The patched document. Neither argument changes; the result may share parts with both.
 * @param schema of the document's type
 * @throws ApiError 400 for a malformed directive, 422 for an item without its merge key
 */
export function applyStrategicMergePatch(
  document: unknown,
  patch: unknown,
  schema: Schema,
): unknown {
  if (!isJsonObject(patch)) throw badRequest('a strategic merge patch must be an object');
  return mergeObject(isJsonObject(document) ? document : {}, patch, schema);
}

function mergeObject(
  original: Readonly<JsonObject>,
  patch: Readonly<JsonObject>,
  schema: Schema | undefined,
): JsonObject {
  const directive = fieldOf(patch, PATCH);
  if (directive === 'delete') return {};
  if (directive === 'replace') return mergeObject({}, without(patch, PATCH), schema);
  if (directive !== undefined && directive !== 'merge') {
    throw badRequest(
      `unknown patch type found: ${JSON.stringify(directive)} (use replace, delete or merge)`,
    );
  }
  const result = retained(original, patch);
  for (const key of Object.keys(patch)) {
    if (key === PATCH || key === RETAIN_KEYS || key.startsWith(DELETE_FROM)) continue;
    // A list is merged once: with its order if that is given, else by its own key.
    const ordered = key.startsWith(SET_ORDER);
    const name = ordered ? key.slice(SET_ORDER.length) : key;
    if (!ordered && Object.hasOwn(patch, `${SET_ORDER}${name}`)) continue;
    mergeField(result, patch, name, propertyOf(schema, name));
  }
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(DELETE_FROM)) continue;
    const name = key.slice(DELETE_FROM.length);
    const merged = Object.hasOwn(patch, name) || Object.hasOwn(patch, `${SET_ORDER}${name}`);
    if (!merged && Object.hasOwn(result, name)) {
      mergeField(result, patch, name, propertyOf(schema, name));
    }
  }
  return result;
}

function without(object: Readonly<JsonObject>, name: string): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) if (key !== name) setField(copy, key, object[key]);
  return copy;
}

/** A shallow copy of `original`, without what $retainKeys does not name. */
function retained(original: Readonly<JsonObject>, patch: Readonly<JsonObject>): JsonObject {
  const list = directiveList(patch, RETAIN_KEYS, 'retainKeys');
  const keys = list === undefined ? undefined : new Set(list);
  if (keys !== undefined) {
    for (const key of Object.keys(patch)) {
      if (!key.startsWith('$') && patch[key] !== null && !keys.has(key)) {
        throw badRequest(`invalid patch format of retainKeys: ${JSON.stringify(key)} is not in it`);
      }
    }
  }
  const copy: JsonObject = {};
  for (const key of Object.keys(original)) {
    if (keys === undefined || keys.has(key)) setField(copy, key, original[key]);
  }
  return copy;
}

function directiveList(
  patch: Readonly<JsonObject>,
  key: string,
  name: string,
): readonly unknown[] | undefined {
  const value = fieldOf(patch, key);
  if (value === undefined || Array.isArray(value)) return value;
  throw badRequest(`invalid patch format of ${name}: must be a list`);
}

function propertyOf(schema: Schema | undefined, name: string): Property | undefined {
  const property = entryOf(schema?.properties, name);
  if (property !== undefined) return property;
  const values = schema?.additionalProperties;
  return values === undefined ? undefined : { schema: values };
}

function hasStrategy(property: Property | undefined, strategy: string): boolean {
  return property?.patchStrategy?.split(',').includes(strategy) === true;
}

/** Brings the field `name` of `patch`, with the directives that speak of it, into `result`. */
function mergeField(
  result: JsonObject,
  patch: Readonly<JsonObject>,
  name: string,
  property: Property | undefined,
): void {
  const value = fieldOf(patch, name);
  if (value === null) {
    delete result[name];
    return;
  }
  const old = fieldOf(result, name);
  const order = directiveList(patch, `${SET_ORDER}${name}`, 'setElementOrder list');
  const removed = directiveList(patch, `${DELETE_FROM}${name}`, 'primitive list');
  if (isJsonObject(value)) {
    const base = isJsonObject(old) && !hasStrategy(property, 'replace') ? old : {};
    setField(result, name, mergeObject(base, value, property?.schema));
    return;
  }
  if (value !== undefined && !Array.isArray(value)) {
    setField(result, name, value);
    return;
  }
  if (!hasStrategy(property, 'merge')) {
    if (order !== undefined || removed !== undefined) {
      throw patchDoesNotFit(`the list ${JSON.stringify(name)} cannot be merged: it is replaced`);
    }
    if (value !== undefined) setField(result, name, cleaned(value, property?.schema.items));
    return;
  }
  if (value === undefined && !Array.isArray(old)) return;
  const merged = mergeList(
    {
      original: Array.isArray(old) ? (old as unknown[]) : [],
      patch: value ?? [],
      order,
      removed,
      mergeKey: property?.patchMergeKey,
    },
    (base, change) => mergeObject(base, change, property?.schema.items),
  );
  setField(result, name, merged);
}

/** Items that replace come without directives and nulls. */
function cleaned(list: readonly unknown[], items: Schema | undefined): unknown[] {
  return list.map((item) => (isJsonObject(item) ? mergeObject({}, item, items) : item));
}
