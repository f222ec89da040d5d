// Strings, numbers and booleans of built-in types: which JSON values they accept, in which form they are kept, and what
// upstream says about others (the wording of Go's encoding/json, which people search for).
import { badRequest, type ApiError } from '../errors.ts';
import { formatTimestamp, parseTimestamp } from '../timestamps.ts';
import type { Schema } from './schema.ts';

const INT32_LIMIT = 2 ** 31;
const INT64_LIMIT = 2 ** 63;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const FRACTION = /\.(\d+)/;

/**
 * The value in the form that is kept: numbers given as quantities become strings, line breaks in base64 go.
 *
 * @param owner the struct that the field is in
 * @throws ApiError 400 when the type of the field cannot hold the value
 */
export function decodeScalar(
  value: unknown,
  schema: Schema,
  path: string,
  owner: Schema | undefined,
): unknown {
  switch (schema.type) {
    case 'string':
      if (schema.format === 'quantity' && typeof value === 'number' && Number.isFinite(value)) {
        return String(value);
      }
      if (typeof value !== 'string') break;
      if (schema.format === undefined || schema.format === 'quantity') return value;
      return schema.format === 'byte' ? base64(value, path) : timestamp(value, schema, path);
    case 'integer':
      if (isInteger(value, schema.format)) return value;
      break;
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'intOrString':
      if (typeof value === 'string' || isInteger(value, 'int32')) return value;
      break;
    default:
      return value;
  }
  throw wrongType(value, schema, path, owner);
}

function isInteger(value: unknown, format: string | undefined): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  const limit = format === 'int32' ? INT32_LIMIT : INT64_LIMIT;
  return value >= -limit && value < limit;
}

function base64(value: string, path: string): string {
  if (BASE64.test(value)) return value;
  const joined = value.replaceAll(/[\r\n]/g, '');
  if (BASE64.test(joined)) return joined;
  throw badRequest(`illegal base64 data in field ${path}`);
}

/** Times are kept in UTC with the precision of their type. */
function timestamp(value: string, schema: Schema, path: string): string {
  const ms = parseTimestamp(value);
  if (ms === undefined) {
    throw badRequest(`cannot parse ${JSON.stringify(value)} in field ${path} as an RFC 3339 time`);
  }
  if (schema.format !== 'micro-time') return isWholeUTC(value) ? value : formatTimestamp(ms);
  const whole = formatTimestamp(ms);
  // From the text: a number of milliseconds since 1970 does not hold microseconds exactly.
  const digits = FRACTION.exec(value)?.[1] ?? '';
  return `${whole.slice(0, -1)}.${digits.slice(0, 6).padEnd(6, '0')}Z`;
}

const WHOLE_UTC_LENGTH = '2026-11-21T01:34:02Z'.length;

/** Of an RFC 3339 time: whether it is in the form that is kept, as nearly all are. */
function isWholeUTC(time: string): boolean {
  return time.length === WHOLE_UTC_LENGTH && time[10] === 'T' && time.endsWith('Z');
}

/** What null inside a list or map stands for: the zero value of a built-in type, itself elsewhere. */
export function zeroOf(schema: Schema, builtin: boolean): unknown {
  if (!builtin) return null;
  switch (schema.type) {
    case 'string':
      if (schema.format === 'date-time' || schema.format === 'micro-time') return null;
      return schema.format === 'quantity' ? '0' : '';
    case 'integer':
    case 'number':
    case 'intOrString':
      return 0;
    case 'boolean':
      return false;
    case 'object':
      return {};
    case 'array':
      return [];
    default:
      return null;
  }
}

/**
 * 400 for a value that a built-in field cannot hold.
 * @param owner the struct that the field is in
 */
export function wrongType(
  value: unknown,
  schema: Schema,
  path: string,
  owner: Schema | undefined,
): ApiError {
  const found = describe(value, schema);
  const struct = owner?.component?.split('.').at(-1);
  const field = struct === undefined ? path : `${struct}.${path}`;
  const where = path === '' ? 'Go value' : `Go struct field ${field}`;
  return badRequest(`json: cannot unmarshal ${found} into ${where} of type ${goType(schema)}`);
}

function describe(value: unknown, schema: Schema): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      // Shown where it says what is wrong: out of range, not whole. Elsewhere it may be a Secret's.
      return schema.type === 'integer' ? `number ${value}` : 'number';
    case 'string':
      return 'string';
    default:
      return 'object';
  }
}

/** The type as Go prints it: `map[string]string`, `[]v1.Container`, `int32`. */
function goType(schema: Schema): string {
  switch (schema.type) {
    case 'array':
      return `[]${schema.items === undefined ? 'interface {}' : goType(schema.items)}`;
    case 'object': {
      if (schema.component !== undefined) return schema.component.split('.').slice(-2).join('.');
      const items = schema.additionalProperties;
      return `map[string]${items === undefined ? 'interface {}' : goType(items)}`;
    }
    case 'string':
      if (schema.format === 'byte') return '[]uint8';
      return schema.component?.split('.').slice(-2).join('.') ?? 'string';
    case 'integer':
      return schema.format ?? 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'intOrString':
      return 'intstr.IntOrString';
    case 'any':
      return 'interface {}';
    default:
      return schema.type satisfies never;
  }
}
