// CEL's own functions: sizes, conversions, times and optionals. The library's type checker knows the first table; the
// second is what it lacks.
import { EvaluationError } from '../meter.ts';
import {
  dayOfYear,
  formatDuration,
  formatTime,
  millisecondsOf,
  parseDuration,
  parseTime,
  partOf,
} from '../time.ts';
import {
  Duration,
  List,
  MapValue,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  sizeOf,
  typeOf,
} from '../values.ts';
import type { Value } from '../values.ts';
import { doubleText } from './format-text.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';
import { lengthOf } from './strings.ts';

const TIME = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';
const SECOND = 1_000_000_000n;
/** 0001-01-01 to 9999-12-31, in seconds. */
const TIME_RANGE = [-62_135_596_800n, 253_402_300_799n] as const;

function toInt(value: bigint): bigint {
  if (value > 2n ** 63n - 1n || value < -(2n ** 63n)) throw new EvaluationError('integer overflow');
  return value;
}

function toUint(value: bigint): Uint {
  if (value > 2n ** 64n - 1n || value < 0n) throw new EvaluationError('unsigned integer overflow');
  return new Uint(value);
}

function truncated(value: number): bigint {
  if (!Number.isFinite(value)) throw new EvaluationError('integer overflow');
  return BigInt(Math.trunc(value));
}

function digits(text: string, type: string): bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) {
    throw new EvaluationError(`type conversion error from 'string' to '${type}': ${text}`);
  }
  return BigInt(text.replace(/^\+/, ''));
}

function toDouble(text: string): number {
  const number = /^[+-]?(inf|infinity)$/i.test(text)
    ? text.startsWith('-')
      ? -Infinity
      : Infinity
    : /^\s*$|[xob_]/i.test(text)
      ? Number.NaN
      : Number(text);
  if (Number.isNaN(number) && text.toLowerCase() !== 'nan') {
    throw new EvaluationError(`type conversion error from 'string' to 'double'`);
  }
  return number;
}

function toBool(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw new EvaluationError(`type conversion error from 'string' to 'bool'`);
}

function timeOf(text: string): Timestamp {
  const time = parseTime(text);
  if (time === undefined) throw new EvaluationError(`invalid timestamp: ${text}`);
  return time;
}

function durationOf(text: string): Duration {
  const duration = parseDuration(text);
  if (duration === undefined) throw new EvaluationError(`invalid duration: ${text}`);
  return duration;
}

function timeOfSeconds(seconds: bigint): Timestamp {
  if (seconds < TIME_RANGE[0] || seconds > TIME_RANGE[1]) {
    throw new EvaluationError('timestamp overflow');
  }
  return new Timestamp(seconds * SECOND);
}

type PartName = Parameters<typeof partOf>[1];

const PARTS: readonly (readonly [method: string, part: PartName, offset: number])[] = [
  ['getFullYear', 'year', 0],
  ['getMonth', 'month', 0],
  ['getDate', 'day', 0],
  ['getDayOfMonth', 'day', -1],
  ['getDayOfWeek', 'weekday', 0],
  ['getHours', 'hour', 0],
  ['getMinutes', 'minute', 0],
  ['getSeconds', 'second', 0],
];

function known(value: number | undefined, zone: string | undefined): bigint {
  if (value === undefined) throw new EvaluationError(`unknown time zone ${zone ?? ''}`);
  return BigInt(value);
}

function timeMethods(): FunctionRow[] {
  return PARTS.flatMap(([method, part, offset]) => [
    row(`${TIME}.${method}(): int`, (_, time: Timestamp) =>
      known((partOf(time, part) ?? 0) + offset, 'UTC'),
    ),
    row(`${TIME}.${method}(string): int`, (meter, time: Timestamp, zone: string) => {
      // A formatter is made for each zone that is asked for.
      meter.spend(100);
      const value = partOf(time, part, zone);
      return known(value === undefined ? undefined : value + offset, zone);
    }),
  ]);
}

/** What orValue, hasValue and ofNonZeroValue take for nothing. */
function isZero(value: Value): boolean {
  if (value instanceof List || value instanceof MapValue || typeof value === 'string') {
    return sizeOf(value) === 0;
  }
  if (value instanceof Duration) return value.nanos === 0n;
  return value === null || value === false || value === 0n || value === 0;
}

export const standardFunctions: readonly FunctionRow[] = [
  ...['size(string): int', 'string.size(): int'].map((signature) =>
    row(signature, (_, text: string) => BigInt(lengthOf(text))),
  ),
  ...['bytes', 'list', 'map'].flatMap((type) =>
    [`size(${type}): int`, `${type}.size(): int`].map((signature) =>
      row(signature, (_, value: Value) => BigInt(sizeOf(value))),
    ),
  ),
  row('dyn(dyn): dyn', (_, value: Value) => value),
  row('type(dyn): type', (_, value: Value) => new TypeValue(typeOf(value))),
  row('bool(bool): bool', (_, value: boolean) => value),
  row('bool(string): bool', (_, text: string) => toBool(text)),
  row('int(int): int', (_, value: bigint) => value),
  row('int(uint): int', (_, { value }: Uint) => toInt(value)),
  row('int(double): int', (_, value: number) => toInt(truncated(value))),
  row('int(string): int', (_, text: string) => toInt(digits(text, 'int'))),
  row('uint(uint): uint', (_, value: Uint) => value),
  row('uint(int): uint', (_, value: bigint) => toUint(value)),
  row('uint(double): uint', (_, value: number) => toUint(truncated(value))),
  row('uint(string): uint', (_, text: string) => toUint(digits(text, 'uint'))),
  row('double(double): double', (_, value: number) => value),
  row('double(int): double', (_, value: bigint) => Number(value)),
  row('double(uint): double', (_, { value }: Uint) => Number(value)),
  row('double(string): double', (_, text: string) => toDouble(text)),
  row('string(string): string', (_, text: string) => text),
  row('string(bool): string', (_, value: boolean) => String(value)),
  row('string(int): string', (_, value: bigint) => String(value)),
  row('string(uint): string', (_, { value }: Uint) => String(value)),
  row('string(double): string', (_, value: number) => doubleText(value)),
  row('string(bytes): string', (_, value: Uint8Array) => {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    } catch {
      throw new EvaluationError('invalid UTF-8 in bytes, cannot convert to string');
    }
  }),
  row('bytes(bytes): bytes', (_, value: Uint8Array) => value),
  row('bytes(string): bytes', (_, text: string) => new Uint8Array(Buffer.from(text))),
  row(`timestamp(string): ${TIME}`, (_, text: string) => timeOf(text)),
  row(`timestamp(int): ${TIME}`, (_, seconds: bigint) => timeOfSeconds(seconds)),
  row(`duration(string): ${DURATION}`, (_, text: string) => durationOf(text)),
  ...timeMethods(),
  row(`${TIME}.getMilliseconds(): int`, (_, time: Timestamp) => millisecondsOf(time)),
  row(`${TIME}.getMilliseconds(string): int`, (_, time: Timestamp) => millisecondsOf(time)),
  row(`${TIME}.getDayOfYear(): int`, (_, time: Timestamp) => known(dayOfYear(time), 'UTC')),
  row(`${TIME}.getDayOfYear(string): int`, (meter, time: Timestamp, zone: string) => {
    meter.spend(100);
    return known(dayOfYear(time, zone), zone);
  }),
  row(`${DURATION}.getHours(): int`, (_, { nanos }: Duration) => nanos / (3600n * SECOND)),
  row(`${DURATION}.getMinutes(): int`, (_, { nanos }: Duration) => nanos / (60n * SECOND)),
  row(`${DURATION}.getSeconds(): int`, (_, { nanos }: Duration) => nanos / SECOND),
  row(`${DURATION}.getMilliseconds(): int`, (_, { nanos }: Duration) => nanos / 1_000_000n),
  row('optional.hasValue(): bool', (_, { value }: Optional) => value !== undefined),
  row('optional<A>.value(): A', (_, { value }: Optional) => {
    if (value === undefined) throw new EvaluationError('optional.none() dereference');
    return value;
  }),
  row('OptionalNamespace.none(): optional<T>', () => Optional.none),
  row('OptionalNamespace.of(A): optional<A>', (_, value: Value) => new Optional(value)),
];

export const conversionFunctions: readonly FunctionRow[] = [
  row('int(uint): int', (_, { value }: Uint) => toInt(value)),
  row(`int(${TIME}): int`, (_, { nanos }: Timestamp) => nanos / SECOND),
  row(`string(${TIME}): string`, (_, time: Timestamp) => formatTime(time)),
  row(`string(${DURATION}): string`, (_, duration: Duration) => formatDuration(duration)),
  row(`timestamp(${TIME}): ${TIME}`, (_, time: Timestamp) => time),
  row(`duration(${DURATION}): ${DURATION}`, (_, duration: Duration) => duration),
  row('OptionalNamespace.ofNonZeroValue(A): optional<A>', (_, value: Value) =>
    isZero(value) ? Optional.none : new Optional(value),
  ),
];
