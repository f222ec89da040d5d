// The part of a long list that is looked at: what watch events make of it. Pure.
import { keyOf } from './api-object.ts';
import type { ApiObject } from './api-object.ts';

/** Keys from after `after` through `through`; undefined: from the start, to the end. */
export interface Range {
  readonly after: string | undefined;
  readonly through: string | undefined;
}

export interface WatchEvent<T> {
  readonly type: string;
  readonly object: T;
}

/** The items with the event applied, in order; the same array when it is about none of this part. */
export function applyEvent<T extends ApiObject>(
  items: readonly T[],
  { after, through }: Range,
  { type, object }: WatchEvent<T>,
): readonly T[] {
  const key = keyOf(object);
  if (after !== undefined && key <= after) return items;
  if (through !== undefined && key > through) return items;
  const at = placeOf(items, key);
  const found = items[at];
  const isThere = found !== undefined && keyOf(found) === key;
  if (type === 'DELETED') return isThere ? items.toSpliced(at, 1) : items;
  if (type !== 'ADDED' && type !== 'MODIFIED') return items;
  return items.toSpliced(at, isThere ? 1 : 0, object);
}

/** Index of the first item whose key is not lower. */
function placeOf(items: readonly ApiObject[], key: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
