// One list of a strategic merge patch: of objects with a merge key, or of plain values as a set.
import { badRequest } from '../errors.ts';
import { canonicalJson, fieldOf, isJsonObject } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import { orderElements } from './element-order.ts';
import { patchDoesNotFit } from './patch-error.ts';

export interface ListPatch {
  readonly original: readonly unknown[];
  readonly patch: readonly unknown[];
  /** Of $setElementOrder: values, or objects with at least the merge key. */
  readonly order: readonly unknown[] | undefined;
  /** Of $deleteFromPrimitiveList. */
  readonly removed: readonly unknown[] | undefined;
  /** Undefined for lists of plain values. */
  readonly mergeKey: string | undefined;
}

export type MergeObjects = (original: JsonObject, patch: JsonObject) => JsonObject;

export function mergeList(list: ListPatch, merge: MergeObjects): unknown[] {
  const all = [...list.original, ...list.patch];
  if (all.some(Array.isArray)) throw patchDoesNotFit('lists of lists are not supported');
  if (list.mergeKey === undefined) return mergeValues(list);
  return mergeObjects(list, list.mergeKey, merge);
}

function mergeValues({ original, patch, order, removed }: ListPatch): unknown[] {
  if (patch.some(isJsonObject)) {
    throw patchDoesNotFit('a list of objects can only be merged by a declared merge key');
  }
  const gone = new Set((removed ?? []).map(canonicalJson));
  const kept = original.filter((item) => !gone.has(canonicalJson(item)));
  const seen = new Set(kept.map(canonicalJson));
  const merged = [...kept];
  for (const item of patch) {
    const identity = canonicalJson(item);
    if (!seen.has(identity)) merged.push(item);
    seen.add(identity);
  }
  const wanted = (order ?? patch).map(canonicalJson);
  if (order !== undefined) requireOrdered(patch.map(canonicalJson), wanted);
  return orderElements(merged, canonicalJson, wanted, original.map(canonicalJson));
}

function mergeObjects(
  { original, patch, order, removed }: ListPatch,
  mergeKey: string,
  merge: MergeObjects,
): unknown[] {
  if (removed !== undefined) {
    throw patchDoesNotFit('$deleteFromPrimitiveList is only for lists of plain values');
  }
  const required = (item: unknown): string => {
    const identity = isJsonObject(item) ? fieldOf(item, mergeKey) : undefined;
    if (identity === undefined || identity === null) {
      throw patchDoesNotFit(`map: ${shown(item)} does not contain declared merge key: ${mergeKey}`);
    }
    return canonicalJson(identity);
  };
  // The server may hold items without the key; they match nothing and stay.
  const identityOf = (item: unknown): string =>
    isJsonObject(item) && Object.hasOwn(item, mergeKey) ? canonicalJson(item[mergeKey]) : '';
  const replaces = patch.some((item) => directiveOf(item) === 'replace');
  const changes = patch.filter((item) => isChange(item, mergeKey));
  const merged: unknown[] = replaces ? [] : [...original];
  for (const item of patch) {
    if (directiveOf(item) !== 'delete' || replaces) continue;
    const identity = required(item);
    for (let at = merged.length - 1; at >= 0; at -= 1) {
      if (identityOf(merged[at]) === identity) merged.splice(at, 1);
    }
  }
  for (const item of changes) {
    const identity = required(item);
    const at = merged.findIndex((candidate) => identityOf(candidate) === identity);
    const base = merged[at];
    const result = merge(isJsonObject(base) ? base : {}, item as JsonObject);
    if (at < 0) merged.push(result);
    else merged[at] = result;
  }
  const wanted = (order ?? changes).map(required);
  if (order !== undefined) requireOrdered(changes.map(required), wanted);
  return orderElements(merged, identityOf, wanted, replaces ? [] : original.map(identityOf));
}

function directiveOf(item: unknown): unknown {
  return isJsonObject(item) ? fieldOf(item, '$patch') : undefined;
}

/** Whether the item says something about the list's contents beside its directive. */
function isChange(item: unknown, mergeKey: string): boolean {
  const directive = directiveOf(item);
  if (directive === 'delete') return false;
  if (directive !== 'replace') return true;
  // `{$patch: replace}` alone only says that the rest of the list replaces.
  return isJsonObject(item) && Object.hasOwn(item, mergeKey);
}

function requireOrdered(patch: readonly string[], order: readonly string[]): void {
  const known = new Set(order);
  if (patch.every((identity) => known.has(identity))) return;
  throw badRequest("The order in patch list doesn't match $setElementOrder list");
}

/** As Go prints a map, which is what people search for. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (isJsonObject(value)) {
    const fields = Object.keys(value).toSorted();
    return `map[${fields.map((key) => `${key}:${shown(value[key])}`).join(' ')}]`;
  }
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '<nil>');
}
