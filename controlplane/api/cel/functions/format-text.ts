// `"%s of %d".format([…])`: the clauses of CEL's strings extension (%s %d %f %e %b %o %x %X %%).
import { EvaluationError } from '../meter.ts';
import type { Meter } from '../meter.ts';
import { formatDuration, formatTime } from '../time.ts';
import {
  Duration,
  List,
  MapValue,
  ObjectValue,
  Opaque,
  Timestamp,
  TypeValue,
  Uint,
  typeOf,
} from '../values.ts';
import type { Value } from '../values.ts';

const MAXIMUM_PRECISION = 100;

export function formatText(meter: Meter, text: string, args: readonly Value[]): string {
  meter.spend(text.length / 10);
  let next = 0;
  const result = text.replace(
    /%(?:\.(\d+))?(.?)/gs,
    (clause: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const value = args[next];
      if (value === undefined) throw new EvaluationError(`index ${next} out of range`);
      next += 1;
      const digits = precision === undefined ? 6 : Number(precision);
      if (digits > MAXIMUM_PRECISION) {
        throw new EvaluationError(`precision of ${clause} is more than ${MAXIMUM_PRECISION}`);
      }
      const shown = formatted(meter, verb, value, digits);
      meter.spend(shown.length / 10);
      return shown;
    },
  );
  if (next < args.length) throw new EvaluationError('too many arguments supplied to string.format');
  return result;
}

function formatted(meter: Meter, verb: string, value: Value, digits: number): string {
  const number = value instanceof Uint ? value.value : value;
  switch (verb) {
    case 's':
      return textOf(meter, value);
    case 'd':
      if (typeof number === 'bigint') return String(number);
      break;
    case 'f':
      if (typeof number === 'bigint') return `${number}.${'0'.repeat(digits)}`;
      if (typeof number === 'number')
        return Number.isFinite(number) ? number.toFixed(digits) : doubleText(number);
      break;
    case 'e':
      if (typeof number === 'number' || typeof number === 'bigint') {
        return Number(number)
          .toExponential(digits)
          .replace(/e([+-])(\d)$/, 'e$10$2');
      }
      break;
    case 'b':
      if (typeof number === 'boolean') return number ? '1' : '0';
      if (typeof number === 'bigint') return number.toString(2);
      break;
    case 'o':
      if (typeof number === 'bigint') return number.toString(8);
      break;
    case 'x':
    case 'X': {
      const hex = hexOf(number);
      if (hex !== undefined) return verb === 'X' ? hex.toUpperCase() : hex;
      break;
    }
    default:
      throw new EvaluationError(`could not parse formatting clause: unrecognized "${verb}"`);
  }
  throw new EvaluationError(`error during formatting: %${verb} does not take ${typeOf(value)}`);
}

function hexOf(value: Value): string | undefined {
  if (typeof value === 'bigint') return value.toString(16);
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined;
}

export function doubleText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

/** Any value as text. */
export function textOf(meter: Meter, value: Value): string {
  meter.spend(1);
  if (typeof value === 'string') return value;
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') {
    return String(value);
  }
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return formatTime(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof List) {
    return `[${value.items.map((item) => textOf(meter, item)).join(', ')}]`;
  }
  if (value instanceof MapValue) {
    const entries = [...value.entries].map(
      ([key, item]) => `${String(key)}: ${textOf(meter, item)}`,
    );
    return `{${entries.toSorted().join(', ')}}`;
  }
  if (value instanceof ObjectValue) {
    const text = JSON.stringify(value.raw);
    meter.spend(text.length / 10);
    return text;
  }
  if (value instanceof Opaque) return value.canonical();
  throw new EvaluationError(`error during formatting: %s does not take ${typeOf(value)}`);
}
