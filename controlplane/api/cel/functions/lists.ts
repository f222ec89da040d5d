// Functions of lists and sets: Kubernetes' list library and CEL's sets extension.
import { calculate, compare, equals, includes } from '../compare.ts';
import { EvaluationError } from '../meter.ts';
import type { Meter } from '../meter.ts';
import { Duration } from '../values.ts';
import type { List, Value } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

function isSorted(meter: Meter, { items }: List): boolean {
  return items.every((item, at) => {
    const before = items[at - 1];
    return before === undefined || (compare(before, item, '<=', meter) ?? 1) <= 0;
  });
}

function extreme(meter: Meter, { items }: List, name: 'min' | 'max'): Value {
  const [first] = items;
  if (first === undefined) throw new EvaluationError(`${name} called on empty list`);
  let best = first;
  for (const item of items) {
    const order = compare(item, best, name === 'min' ? '<' : '>', meter) ?? 0;
    if (name === 'min' ? order < 0 : order > 0) best = item;
  }
  return best;
}

/** @param zero what an empty list adds up to */
function sum(meter: Meter, { items }: List, zero: Value): Value {
  const [first, ...rest] = items;
  meter.spend(items.length);
  if (first === undefined) return zero;
  return rest.reduce((total, item) => calculate('+', total, item, meter), first);
}

function indexOf(meter: Meter, { items }: List, value: Value, last: boolean): bigint {
  const test = (item: Value): boolean => equals(item, value, meter);
  return BigInt(last ? items.findLastIndex(test) : items.findIndex(test));
}

function contains(meter: Meter, all: List, some: List): boolean {
  return some.items.every((item) => includes(all.items, item, meter));
}

/** A list of what nothing is known about adds up to 0 when it is empty. */
const SUMS: readonly (readonly [element: string, zero: Value])[] = [
  ['int', 0n],
  ['double', 0],
  ['google.protobuf.Duration', new Duration(0n)],
];

export const listFunctions: readonly FunctionRow[] = [
  row('list<T>.isSorted(): bool', isSorted),
  ...SUMS.map(([element, zero]) =>
    row(`list<${element}>.sum(): ${element}`, (meter, list: List) => sum(meter, list, zero)),
  ),
  row('list<T>.min(): T', (meter, list: List) => extreme(meter, list, 'min')),
  row('list<T>.max(): T', (meter, list: List) => extreme(meter, list, 'max')),
  row('list<T>.indexOf(T): int', (meter, list: List, value: Value) =>
    indexOf(meter, list, value, false),
  ),
  row('list<T>.lastIndexOf(T): int', (meter, list: List, value: Value) =>
    indexOf(meter, list, value, true),
  ),
  row('SetsNamespace.contains(list<T>, list<T>): bool', contains),
  row(
    'SetsNamespace.equivalent(list<T>, list<T>): bool',
    (meter, a: List, b: List) => contains(meter, a, b) && contains(meter, b, a),
  ),
  row('SetsNamespace.intersects(list<T>, list<T>): bool', (meter, a: List, b: List) =>
    a.items.some((item) => includes(b.items, item, meter)),
  ),
];
