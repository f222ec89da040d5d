// Lists: the present state, or the state at an earlier revision, rebuilt by undoing what happened since.
import { timeout } from '../api/errors.ts';
import { sortKey } from './keys.ts';
import type { ObjectTable } from './object-table.ts';
import { SortedKeys } from './sorted-keys.ts';
import type { ListOptions, ListResult, Revision, StoreEvent, StoredObject } from './types.ts';

/** The keys of a table and how to look them up: now, or then. */
interface View {
  readonly keys: SortedKeys;
  /** Every key has an object: what is left can be counted without looking. */
  readonly isDense: boolean;
  get(key: string): StoredObject | undefined;
}

/**
 * @param revision the newest visible one
 * @param since gives the events after a revision or throws Expired
 */
export function listObjects(
  table: ObjectTable,
  options: ListOptions,
  revision: Revision,
  since: (revision: Revision) => readonly StoreEvent[],
): ListResult {
  const exact = options.exactRevision ?? revision;
  if (exact > revision) {
    throw timeout(`Timeout: Too large resource version: ${exact}, current: ${revision}`, 1, [
      { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' },
    ]);
  }
  const view: View =
    options.exactRevision === undefined
      ? { keys: table.sortedKeys, isDense: true, get: (key) => table.get(key) }
      : viewAt(table, since(exact));
  return { ...pageOf(view, options), revision: exact };
}

/** The first change of a key after the revision knows what the key was at it. */
function viewAt(table: ObjectTable, changes: readonly StoreEvent[]): View {
  const then = new Map<string, StoredObject | undefined>();
  for (const { object, previous } of changes) {
    const key = sortKey(object.namespace, object.name);
    if (!then.has(key)) then.set(key, previous);
  }
  const gone = [...then].filter(([key, object]) => object !== undefined && !table.get(key));
  const keys =
    gone.length === 0
      ? table.sortedKeys
      : new SortedKeys([...table.sortedKeys.all(), ...gone.map(([key]) => key)]);
  return { keys, isDense: false, get: (key) => (then.has(key) ? then.get(key) : table.get(key)) };
}

function pageOf(view: View, options: ListOptions): Omit<ListResult, 'revision'> {
  const { start, end } = rangeOf(view.keys, options);
  const { matches } = options;
  const limit = options.limit === undefined || options.limit <= 0 ? Infinity : options.limit;
  const items: StoredObject[] = [];
  let position = start;
  let left = 0;
  view.keys.visit(start, end, (key) => {
    position += 1;
    const object = view.get(key);
    if (object === undefined || matches?.(object) === false) return false;
    if (items.length < limit) {
      items.push(object);
      return false;
    }
    left += 1;
    // With a filter the rest is not counted, only known to exist.
    if (matches === undefined && !view.isDense) return false;
    if (matches === undefined) left += end - position;
    return true;
  });
  const last = items.at(-1);
  if (left === 0 || last === undefined) return { items };
  return {
    items,
    next: { namespace: last.namespace, name: last.name },
    ...(matches === undefined ? { remaining: left } : {}),
  };
}

/** Ranks of the first key, and of the one behind the last. */
function rangeOf(keys: SortedKeys, options: ListOptions): { start: number; end: number } {
  const { namespace, startAfter } = options;
  // The key after `n\0a` in code unit order is `n\0a\0`, and all of namespace n lies between `n\0` and `n\u0001`.
  const after =
    startAfter === undefined ? '' : `${sortKey(startAfter.namespace, startAfter.name)}\0`;
  const from = namespace === undefined ? '' : `${namespace}\0`;
  const start = keys.rank(after > from ? after : from);
  return { start, end: namespace === undefined ? keys.size : keys.rank(`${namespace}\u0001`) };
}
