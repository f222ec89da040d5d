// Timestamps (RFC 3339) and durations (Go's time.ParseDuration) of expressions, exact to the nanosecond.
import { parseTimestamp } from '../timestamps.ts';
import { Duration, Timestamp } from './values.ts';

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAXIMUM = 2n ** 63n - 1n;
/** Longer texts are no durations that anybody wrote. */
const MAXIMUM_LENGTH = 256;

export function parseTime(text: string): Timestamp | undefined {
  const ms = text.length > 64 ? undefined : parseTimestamp(text);
  if (ms === undefined) return undefined;
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  const seconds = BigInt(Math.floor(ms / 1000));
  return new Timestamp(seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')));
}

export function formatTime({ nanos }: Timestamp): string {
  const seconds = floorDivide(nanos, 1_000_000_000n);
  const rest = nanos - seconds * 1_000_000_000n;
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${base}${fraction}Z`;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

export function parseDuration(text: string): Duration | undefined {
  if (text.length > MAXIMUM_LENGTH) return undefined;
  const [, sign, body = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return new Duration(0n);
  const part = /(\d+)?(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;
  let nanos = 0n;
  while (part.lastIndex < body.length) {
    const match = part.exec(body);
    if (match === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = match;
    if (whole === '' && fraction === '') return undefined;
    const scale = UNITS[unit] ?? 0n;
    const digits = fraction.slice(0, 18);
    nanos += BigInt(whole === '' ? '0' : whole) * scale;
    nanos += (BigInt(digits === '' ? '0' : digits) * scale) / 10n ** BigInt(digits.length);
  }
  if (body === '' || nanos > MAXIMUM) return undefined;
  return new Duration(sign === '-' ? -nanos : nanos);
}

/** `90s`, `0.5s`: as CEL's string(duration). */
export function formatDuration({ nanos }: Duration): string {
  const magnitude = nanos < 0n ? -nanos : nanos;
  const seconds = magnitude / 1_000_000_000n;
  const rest = magnitude % 1_000_000_000n;
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${nanos < 0n ? '-' : ''}${seconds}${fraction}s`;
}

type Part = 'year' | 'month' | 'day' | 'weekday' | 'hour' | 'minute' | 'second';

/** A field of a time in a zone (IANA name or `+01:00`; UTC when absent); undefined for an unknown zone. */
export function partOf({ nanos }: Timestamp, part: Part, zone = 'UTC'): number | undefined {
  const local = inZone(Number(floorDivide(nanos, 1_000_000n)), zone);
  switch (part) {
    case 'year':
      return local?.getUTCFullYear();
    case 'month':
      return local?.getUTCMonth();
    case 'day':
      return local?.getUTCDate();
    case 'weekday':
      return local?.getUTCDay();
    case 'hour':
      return local?.getUTCHours();
    case 'minute':
      return local?.getUTCMinutes();
    case 'second':
      return local?.getUTCSeconds();
  }
}

export function millisecondsOf({ nanos }: Timestamp): bigint {
  const seconds = floorDivide(nanos, 1_000_000_000n);
  return (nanos - seconds * 1_000_000_000n) / 1_000_000n;
}

/** Days since the first of January, from 0. */
export function dayOfYear(time: Timestamp, zone = 'UTC'): number | undefined {
  const local = inZone(Number(floorDivide(time.nanos, 1_000_000n)), zone);
  if (local === undefined) return undefined;
  const start = Date.UTC(local.getUTCFullYear(), 0, 1);
  return Math.floor((local.getTime() - start) / 86_400_000);
}

/** A date whose UTC fields are the local ones of `zone`. */
function inZone(ms: number, zone: string): Date | undefined {
  if (zone === 'UTC' || zone === '') return new Date(ms);
  const fixed = /^([+-])?(\d\d):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return new Date(ms + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
  }
  try {
    const text = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(ms);
    const of = (type: string): number =>
      Number(text.find((piece) => piece.type === type)?.value ?? 0);
    return new Date(
      Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')),
    );
  } catch {
    return undefined;
  }
}
