// Equality, order and arithmetic of values: numbers compare across types, sets and map lists in any order, objects by
// what they say. Walking two large values costs by their size.
import { equalJson } from '../schema/json-value.ts';
import { EvaluationError } from './meter.ts';
import type { Meter } from './meter.ts';
import {
  Duration,
  List,
  MapValue,
  ObjectValue,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  sizeOf,
  typeOf,
} from './values.ts';
import type { MapKey, Value } from './values.ts';

const INT_MAXIMUM = 2n ** 63n - 1n;
const INT_MINIMUM = -(2n ** 63n);
const UINT_MAXIMUM = 2n ** 64n - 1n;

/** int, uint and double as something that JavaScript compares by value. */
function numeric(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof Uint ? value.value : undefined;
}

export function equals(a: Value, b: Value, meter: Meter): boolean {
  meter.spend(1);
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) {
    // The same number as int and as double is equal; `==` is what says so.
    // oxlint-disable-next-line eqeqeq
    return left == right;
  }
  if (typeof a === 'string' && typeof b === 'string') {
    meter.spend(Math.min(a.length, b.length) / 10);
    return a === b;
  }
  if (a instanceof List && b instanceof List) return equalLists(a, b, meter);
  if (a instanceof MapValue && b instanceof MapValue) return equalMaps(a, b, meter);
  if (a instanceof ObjectValue && b instanceof ObjectValue) {
    meter.spend(weightOf(a.raw));
    return equalJson(a.raw, b.raw);
  }
  if (a instanceof Timestamp && b instanceof Timestamp) return a.nanos === b.nanos;
  if (a instanceof Duration && b instanceof Duration) return a.nanos === b.nanos;
  if (a instanceof TypeValue && b instanceof TypeValue) return a.name === b.name;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    meter.spend(Math.min(a.length, b.length) / 10);
    return a.length === b.length && a.every((byte, at) => byte === b[at]);
  }
  if (a instanceof Optional && b instanceof Optional) {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equals(a.value, b.value, meter);
  }
  if (a instanceof Opaque && b instanceof Opaque) {
    return a.typeName === b.typeName && a.canonical() === b.canonical();
  }
  return a === b;
}

/** Number of values in a JSON document, long texts counting for more. */
function weightOf(json: unknown): number {
  if (typeof json === 'string') return 1 + json.length / 10;
  if (typeof json !== 'object' || json === null) return 1;
  let weight = 1;
  for (const child of Object.values(json)) weight += weightOf(child);
  return weight;
}

function equalLists(a: List, b: List, meter: Meter): boolean {
  const { items: left } = a;
  const { items: right } = b;
  if (left.length !== right.length) return false;
  if (a.kind === 'atomic' || b.kind === 'atomic') {
    return left.every((item, at) => equals(item, right[at] ?? null, meter));
  }
  return left.every((item) => includes(right, item, meter));
}

function equalMaps(a: MapValue, b: MapValue, meter: Meter): boolean {
  if (a.entries.size !== b.entries.size) return false;
  for (const [key, value] of a.entries) {
    const other = b.entries.get(key);
    if (other === undefined || !equals(value, other, meter)) return false;
  }
  return true;
}

export function includes(items: readonly Value[], value: Value, meter: Meter): boolean {
  return items.some((item) => equals(item, value, meter));
}

/** Negative, 0, positive; undefined when the two have no order (NaN). @throws EvaluationError for types without one */
export function compare(a: Value, b: Value, operator: string, meter: Meter): number | undefined {
  const left = orderable(a);
  const right = orderable(b);
  if (left === undefined || right === undefined || kindOf(a) !== kindOf(b)) {
    throw noOverload(operator, a, b);
  }
  meter.spend((sizeOf(a) + sizeOf(b)) / 10);
  if (left < right) return -1;
  if (left > right) return 1;
  // oxlint-disable-next-line eqeqeq
  return left == right ? 0 : undefined;
}

function orderable(value: Value): bigint | number | string | boolean | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof Timestamp || value instanceof Duration) return value.nanos;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return numeric(value);
}

function kindOf(value: Value): string {
  return numeric(value) === undefined ? typeOf(value) : 'number';
}

export function noOverload(operator: string, ...operands: readonly Value[]): EvaluationError {
  return new EvaluationError(
    `no such overload: ${operator} applied to (${operands.map(typeOf).join(', ')})`,
  );
}

function checked(value: bigint): bigint {
  if (value > INT_MAXIMUM || value < INT_MINIMUM) throw new EvaluationError('integer overflow');
  return value;
}

function checkedUint(value: bigint): Uint {
  if (value > UINT_MAXIMUM || value < 0n) throw new EvaluationError('unsigned integer overflow');
  return new Uint(value);
}

export function negate(value: Value): Value {
  if (typeof value === 'bigint') return checked(-value);
  if (typeof value === 'number') return -value;
  throw noOverload('-', value);
}

export function calculate(operator: string, a: Value, b: Value, meter: Meter): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return checked(whole(operator, a, b));
  if (typeof a === 'number' && typeof b === 'number') return fractional(operator, a, b);
  if (a instanceof Uint && b instanceof Uint) {
    return checkedUint(whole(operator, a.value, b.value));
  }
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') {
      meter.spend((a.length + b.length) / 10);
      return a + b;
    }
    if (a instanceof List && b instanceof List) {
      meter.spend(a.items.length + b.items.length);
      return new List([...a.items, ...b.items]);
    }
    if (a instanceof Uint8Array && b instanceof Uint8Array) {
      meter.spend((a.length + b.length) / 10);
      return new Uint8Array([...a, ...b]);
    }
  }
  return temporal(operator, a, b);
}

function whole(operator: string, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    default:
      if (b === 0n) {
        throw new EvaluationError(operator === '/' ? 'division by zero' : 'modulus by zero');
      }
      return operator === '/' ? a / b : a % b;
  }
}

function fractional(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      throw noOverload(operator, a, b);
  }
}

function temporal(operator: string, a: Value, b: Value): Value {
  const sign = operator === '-' ? -1n : 1n;
  if (operator === '+' || operator === '-') {
    if (a instanceof Timestamp && b instanceof Duration) {
      return new Timestamp(a.nanos + sign * b.nanos);
    }
    if (a instanceof Duration && b instanceof Duration) {
      return new Duration(checked(a.nanos + sign * b.nanos));
    }
  }
  if (operator === '-' && a instanceof Timestamp && b instanceof Timestamp) {
    return new Duration(checked(a.nanos - b.nanos));
  }
  if (operator === '+' && a instanceof Duration && b instanceof Timestamp) {
    return new Timestamp(b.nanos + a.nanos);
  }
  throw noOverload(operator, a, b);
}

/** A key as maps hold it: 1, 1u and 1.0 are one key. */
export function mapKey(value: Value): MapKey {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') {
    return value;
  }
  if (value instanceof Uint) return value.value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw new EvaluationError(`unsupported key type: ${typeOf(value)}`);
}
