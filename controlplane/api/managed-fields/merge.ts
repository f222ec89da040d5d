// Merges an applied configuration into the live object, by schema: fields and items that it names take its values, all else
// stays. The order of lists is that of the configuration, with what only the live list has where it was.
import { setField } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { itemElement, itemSchema, itemsOf, memberSchema, membersOf, shapeOf } from './shape.ts';

/** Shares what it did not change with `live`, and what it took with `config`. */
export function mergeConfiguration(schema: Schema, live: unknown, config: unknown): unknown {
  return mergeMembers(schema, live, config);
}

function mergeValue(schema: Schema, live: unknown, config: unknown): unknown {
  if (config === undefined || live === undefined) return config === undefined ? live : config;
  const shape = shapeOf(schema, config);
  if (shape === 'leaf') return config;
  if (shapeOf(schema, live) !== shape) return config;
  if (shape === 'map') {
    const isBlank = isEmptyObject(live) && isEmptyObject(config);
    return isBlank ? config : mergeMembers(schema, live, config);
  }
  const isBlank = itemsOf(live).length === 0 && itemsOf(config).length === 0;
  return isBlank ? config : mergeItems(schema, itemsOf(live), itemsOf(config));
}

function isEmptyObject(value: unknown): boolean {
  return Object.keys(membersOf(value)).length === 0;
}

function mergeMembers(schema: Schema, live: unknown, config: unknown): JsonObject {
  const [ours, theirs] = [membersOf(live), membersOf(config)];
  const merged: JsonObject = {};
  for (const name of Object.keys(ours)) {
    const value = Object.hasOwn(theirs, name)
      ? mergeValue(memberSchema(schema, name), ours[name], theirs[name])
      : ours[name];
    setField(merged, name, value);
  }
  for (const name of Object.keys(theirs)) {
    if (!Object.hasOwn(ours, name)) setField(merged, name, theirs[name]);
  }
  return merged;
}

/** Walks both lists at once. The items of both appear in the configuration's order; live ones in between stay in between. */
function mergeItems(
  schema: Schema,
  live: readonly unknown[],
  config: readonly unknown[],
): unknown[] {
  const items = itemSchema(schema);
  const left = live.map((item) => itemElement(schema, item));
  const right = config.map((item) => itemElement(schema, item));
  const ours = new Map<string, unknown>();
  // What the live list has twice is not merged but replaced.
  for (const [at, element] of left.entries()) {
    ours.set(element, ours.has(element) ? undefined : live[at]);
  }
  const theirs = new Map(right.map((element, at) => [element, config[at]]));
  const shared = right.filter((element) => ours.has(element));
  const done = new Set<string>();
  const merged: unknown[] = [];
  const take = (element: string): void => {
    done.add(element);
    merged.push(mergeValue(items, ours.get(element), theirs.get(element)));
    if (shared[0] === element) shared.shift();
  };
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const mine = left[l];
    const next = right[r];
    if (mine !== undefined && mine === next) {
      take(mine);
      l += 1;
      r += 1;
    } else if (mine !== undefined && next !== undefined && isLater(mine)) l += 1;
    else if (mine !== undefined && !theirs.has(mine)) {
      merged.push(live[l]);
      l += 1;
    } else {
      if (mine !== undefined && done.has(mine)) l += 1;
      if (next !== undefined) {
        take(next);
        r += 1;
      }
    }
  }
  return merged;

  /** In both lists, but not the next one that the configuration wants. */
  function isLater(element: string): boolean {
    return theirs.has(element) && shared[0] !== undefined && shared[0] !== element;
  }
}
