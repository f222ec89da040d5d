// Messages whose JSON form is not an object of their fields: times, quantities, raw JSON and the like.
import type { Reader } from 'protobufjs';
import { formatTimestamp } from '../timestamps.ts';
import { conform } from './decode-conform.ts';
import { parseJSONText } from './decode-json.ts';
import { BYTES, expectWireType, readFields, readInt64, VARINT } from './protobuf-wire.ts';

const ENVELOPE_START = 0x6b; // the k of "k8s"; no JSON value starts with it

export interface Nested {
  /** Reads a JSONSchemaProps message that ends at `end`. */
  schema(end: number): unknown;
  /** Decodes an object that travels as an envelope of its own. */
  envelope(bytes: Uint8Array): unknown;
}

/** The JSON form of a message that ends at `end`; null for one that stands for nothing. */
export function readSpecial(type: string, reader: Reader, end: number, nested: Nested): unknown {
  switch (type) {
    case 'time':
    case 'microTime':
      return readTime(reader, end, type);
    case 'quantity':
      return readQuantity(reader, end);
    case 'intOrString':
      return readIntOrString(reader, end);
    case 'raw':
    case 'json':
    case 'fieldsV1':
      return readRaw(reader, end, nested);
    case 'schemaOrArray':
    case 'schemaOrBool':
    case 'schemaOrStrings':
      return readSchemaOr(type, reader, end, nested);
    default:
      throw new Error(`Corpus names an unknown type '${type}'`);
  }
}

function readTime(reader: Reader, end: number, type: 'time' | 'microTime'): string | null {
  let seconds = 0;
  let nanos = 0;
  readFields(reader, end, {
    1: (wireType) => {
      expectWireType(wireType, VARINT, 'seconds');
      seconds = readInt64(reader);
    },
    2: (wireType) => {
      expectWireType(wireType, VARINT, 'nanos');
      nanos = reader.int32();
    },
  });
  if (seconds === 0 && nanos === 0) return null;
  const whole = formatTimestamp(seconds * 1000);
  if (type === 'time') return whole;
  if (nanos < 0 || nanos >= 1e9)
    throw new RangeError('a time has more than a second of nanoseconds');
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return `${whole.slice(0, -1)}.${micros}Z`;
}

function readQuantity(reader: Reader, end: number): string {
  let text = '';
  readFields(reader, end, {
    1: (wireType) => {
      expectWireType(wireType, BYTES, 'string');
      text = reader.string();
    },
  });
  return text === '' ? '0' : text;
}

function readIntOrString(reader: Reader, end: number): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  readFields(reader, end, {
    1: (wireType) => {
      expectWireType(wireType, VARINT, 'type');
      isString = readInt64(reader) === 1;
    },
    2: (wireType) => {
      expectWireType(wireType, VARINT, 'intVal');
      number = reader.int32();
    },
    3: (wireType) => {
      expectWireType(wireType, BYTES, 'strVal');
      text = reader.string();
    },
  });
  return isString ? text : number;
}

function readRaw(reader: Reader, end: number, nested: Nested): unknown {
  let bytes: Uint8Array | undefined;
  readFields(reader, end, {
    1: (wireType) => {
      expectWireType(wireType, BYTES, 'raw');
      bytes = reader.bytes();
    },
  });
  if (bytes === undefined || bytes.length === 0) return null;
  if (bytes[0] === ENVELOPE_START) return nested.envelope(bytes);
  const value = parseJSONText(Buffer.from(bytes).toString('utf8'));
  conform(value, undefined); // its bounds are those of a JSON body
  return value;
}

/** A schema, or instead a list of schemas, a boolean or a list of strings. */
function readSchemaOr(type: string, reader: Reader, end: number, nested: Nested): unknown {
  let schema: unknown;
  let allows = false;
  const list: unknown[] = [];
  const readSchema = (wireType: number): unknown => {
    expectWireType(wireType, BYTES, 'schema');
    const length = reader.uint32();
    return nested.schema(reader.pos + length);
  };
  const isBool = type === 'schemaOrBool';
  readFields(reader, end, {
    1: (wireType) => {
      if (isBool) {
        expectWireType(wireType, VARINT, 'allows');
        allows = reader.bool();
      } else schema = readSchema(wireType);
    },
    2: (wireType) => {
      if (isBool) schema = readSchema(wireType);
      else if (type === 'schemaOrArray') list.push(readSchema(wireType));
      else {
        expectWireType(wireType, BYTES, 'property');
        list.push(reader.string());
      }
    },
  });
  if (schema !== undefined) return schema;
  if (isBool) return allows;
  return list.length === 0 ? null : list;
}
