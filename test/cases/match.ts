// Do the operations that came match those that were expected? Objects match when every expected field does; a value {anyOf, distinct}
// matches any of its values, with `distinct` each of them once among operations alike. An error matches when its text contains the
// expected one. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Expected } from './service-case.ts';
import type { Fields } from './shape.ts';

/** Values that `distinct` has given away, by operation, service and field. */
type Taken = ReadonlyMap<string, readonly unknown[]>;

export interface MatchOptions {
  readonly orderMatters: boolean;
  /** id → what stands for all ids that nothing tells apart. */
  readonly classes: ReadonlyMap<string, string>;
}

/** @returns what does not match, in words; undefined when all does */
export function mismatch(
  actual: readonly Expected[],
  expected: readonly Expected[],
  { orderMatters, classes }: MatchOptions,
): string | undefined {
  const found = actual.map((operation) => canonical(operation, classes));
  const wanted = expected.map((operation) => canonical(operation, classes));
  const matches =
    found.length === wanted.length &&
    (orderMatters ? inOrder(found, wanted) : anyOrder(found, wanted));
  return matches ? undefined : `expected ${show(expected)}, came ${show(actual)}`;
}

function canonical(operation: Expected, classes: ReadonlyMap<string, string>): Expected {
  const named = (value: unknown): unknown => {
    if (typeof value === 'string') return classes.get(value) ?? value;
    if (Array.isArray(value)) return value.map(named);
    if (typeof value === 'object' && value !== null && 'anyOf' in value)
      return { ...value, anyOf: named(value.anyOf) };
    return value;
  };
  const { container, ...rest } = operation;
  return container === undefined ? operation : { ...rest, container: named(container) };
}

function inOrder(found: readonly Expected[], wanted: readonly Expected[]): boolean {
  let taken: Taken | undefined = new Map();
  for (const [index, want] of wanted.entries()) {
    const actual = found[index];
    taken = actual === undefined || taken === undefined ? undefined : matchOne(actual, want, taken);
    if (taken === undefined) return false;
  }
  return true;
}

/** Tries until each found operation has its expected one; lists are short, but hostile ones are not searched for ever. */
const MOST_STEPS = 100_000;

function anyOrder(found: readonly Expected[], wanted: readonly Expected[]): boolean {
  let steps = 0;
  const search = (index: number, left: readonly Expected[], taken: Taken): boolean => {
    const want = wanted[index];
    if (want === undefined) return true;
    for (const [position, actual] of left.entries()) {
      steps += 1;
      if (steps > MOST_STEPS) return false;
      const next = matchOne(actual, want, taken);
      if (next !== undefined && search(index + 1, left.toSpliced(position, 1), next)) return true;
    }
    return false;
  };
  return search(0, found, new Map());
}

/** @returns what is taken after it matched */
function matchOne(actual: Expected, want: Expected, taken: Taken): Taken | undefined {
  let after = taken;
  for (const [field, value] of Object.entries(want)) {
    const have = actual[field];
    if (isNothing(value) && isNothing(have)) continue;
    if (field === 'contains') {
      if (typeof have !== 'string' || typeof value !== 'string' || !have.includes(value))
        return undefined;
      continue;
    }
    if (!isAnyOf(value)) {
      if (!isDeepStrictEqual(have, value)) return undefined;
      continue;
    }
    if (!value.anyOf.some((one) => isDeepStrictEqual(one, have))) return undefined;
    if (value.distinct !== true) continue;
    const key = JSON.stringify([want.op, want['service'], field]);
    const used = after.get(key) ?? [];
    if (used.includes(have)) return undefined;
    after = new Map([...after, [key, [...used, have]]]);
  }
  return after;
}

/** For the format, what is absent, null and empty are one. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function isAnyOf(
  value: unknown,
): value is { readonly anyOf: readonly unknown[]; readonly distinct?: boolean } {
  return typeof value === 'object' && value !== null && Array.isArray((value as Fields)['anyOf']);
}

function show(operations: readonly Expected[]): string {
  if (operations.length === 0) return 'nothing';
  return operations
    .map(({ op, ...fields }) => {
      const words = Object.entries(fields).map(([name, value]) => `${name}=${text(value)}`);
      return [op, ...words].join(' ');
    })
    .join('; ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
