// Messages of built-in types into their JSON form. gogo-protobuf writes the zero values of fields that are no pointers;
// they are dropped here wherever upstream's JSON drops them.
import protobuf, { type Reader } from 'protobufjs/minimal.js';
import { corpusFields } from './corpus.ts';
import type { CorpusField, Shape } from './corpus-row.ts';
import { readSpecial } from './protobuf-special.ts';
import { BYTES, expectWireType, FIXED64, readInt64, readMessage, VARINT } from './protobuf-wire.ts';

/** Nested deeper, bytes are refused. */
const MAX_DEPTH = 200;

const plans = new Map<string, ReadonlyMap<number, CorpusField>>();

/** Fields of a struct by protobuf number. */
function planOf(component: string): ReadonlyMap<number, CorpusField> {
  let plan = plans.get(component);
  if (plan === undefined) {
    const fields = corpusFields(component).filter((field) => field.tag > 0);
    plan = new Map(fields.map((field) => [field.tag, field]));
    plans.set(component, plan);
  }
  return plan;
}

/** Decodes one object of an envelope that stands in a field of another. */
type DecodeNested = (envelope: Uint8Array, depth: number) => unknown;

export class MessageDecoder {
  readonly #reader: Reader;
  readonly #decodeNested: DecodeNested;

  constructor(bytes: Uint8Array, decodeNested: DecodeNested) {
    this.#reader = protobuf.Reader.create(bytes);
    this.#decodeNested = decodeNested;
  }

  /** @throws Error for malformed bytes */
  decode(component: string, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#struct(component, this.#reader.len, object, depth);
    return object;
  }

  #struct(component: string, end: number, target: Record<string, unknown>, depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError(`it is nested deeper than ${MAX_DEPTH} levels`);
    const plan = planOf(component);
    readMessage(this.#reader, end, (number, wireType) => {
      const field = plan.get(number);
      if (field === undefined) return false;
      if (field.name === '+') {
        expectWireType(wireType, BYTES, field.type);
        this.#struct(field.type, this.#end(), target, depth + 1);
      } else this.#field(field, wireType, target, depth);
      return true;
    });
  }

  #field(
    field: CorpusField,
    wireType: number,
    target: Record<string, unknown>,
    depth: number,
  ): void {
    const [shape] = field.shapes;
    if (shape === 'list') this.#listItem(field, wireType, target, depth);
    else if (shape === 'map') this.#mapEntry(field, wireType, target, depth);
    else {
      const value = this.#value(field, field.shapes, wireType, depth);
      if (value !== null && !(field.omit && !field.pointer && isZero(value))) {
        target[field.name] = value;
      }
    }
  }

  #listItem(
    field: CorpusField,
    wireType: number,
    target: Record<string, unknown>,
    depth: number,
  ): void {
    const list = (target[field.name] ??= []) as unknown[];
    const packed = wireType === BYTES && wireTypeOf(field.type) !== BYTES;
    if (!packed) {
      list.push(this.#value(field, field.shapes.slice(1), wireType, depth));
      return;
    }
    const end = this.#end();
    while (this.#reader.pos < end) list.push(this.#scalar(field.type, field.name));
  }

  #mapEntry(
    field: CorpusField,
    wireType: number,
    target: Record<string, unknown>,
    depth: number,
  ): void {
    expectWireType(wireType, BYTES, field.name);
    const map = (target[field.name] ??= {}) as Record<string, unknown>;
    let key = '';
    let value = zeroOf(field);
    readMessage(this.#reader, this.#end(), (number, entryType) => {
      if (number === 1) {
        expectWireType(entryType, BYTES, field.name);
        key = this.#reader.string();
      } else if (number === 2) value = this.#value(field, field.shapes.slice(1), entryType, depth);
      return number === 1 || number === 2;
    });
    // Defined, not assigned: a key may be called __proto__.
    Object.defineProperty(map, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }

  #value(field: CorpusField, shapes: readonly Shape[], wireType: number, depth: number): unknown {
    const [shape] = shapes;
    if (shape === 'wrapped') {
      expectWireType(wireType, BYTES, field.name);
      const items: unknown[] = [];
      readMessage(this.#reader, this.#end(), (number, itemType) => {
        if (number === 1) items.push(this.#value(field, shapes.slice(1), itemType, depth));
        return number === 1;
      });
      return items;
    }
    expectWireType(wireType, wireTypeOf(field.type), field.name);
    if (SCALARS.has(field.type)) return this.#scalar(field.type, field.name);
    if (!field.type.includes('.')) {
      return readSpecial(field.type, this.#reader, this.#end(), {
        schema: (end) => {
          const schema: Record<string, unknown> = {};
          this.#struct(JSON_SCHEMA_PROPS, end, schema, depth + 1);
          return schema;
        },
        envelope: (bytes) => this.#decodeNested(bytes, depth + 1),
      });
    }
    const object: Record<string, unknown> = {};
    this.#struct(field.type, this.#end(), object, depth + 1);
    return object;
  }

  #scalar(type: string, name: string): unknown {
    switch (type) {
      case 'string':
        return this.#reader.string();
      case 'bool':
        return this.#reader.bool();
      case 'int32':
        return this.#reader.int32();
      case 'int64':
        return readInt64(this.#reader);
      case 'float64':
        return this.#reader.double();
      case 'bytes':
        return Buffer.from(this.#reader.bytes()).toString('base64');
      default:
        throw new Error(`Corpus gives field ${name} the unknown type '${type}'`);
    }
  }

  /** Reads a length and returns where what follows ends. */
  #end(): number {
    const length = this.#reader.uint32();
    return this.#reader.pos + length;
  }
}

const JSON_SCHEMA_PROPS =
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
const SCALARS = new Set(['string', 'bool', 'int32', 'int64', 'float64', 'bytes']);

function wireTypeOf(type: string): number {
  if (type === 'bool' || type === 'int32' || type === 'int64') return VARINT;
  return type === 'float64' ? FIXED64 : BYTES;
}

/** The value of a map's entry that carries none. */
function zeroOf(field: CorpusField): unknown {
  if (field.shapes.length > 1) return [];
  if (field.type === 'quantity') return '0';
  return field.type === 'string' || field.type === 'bytes' ? '' : {};
}

function isZero(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return value === '' || value === 0 || value === false;
  }
  return Object.keys(value).length === 0;
}
