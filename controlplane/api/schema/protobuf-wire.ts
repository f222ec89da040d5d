// The few steps of the protobuf wire format that protobufjs' Reader leaves to its callers.
import type { Reader } from 'protobufjs';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

/**
 * Reads the fields of a message that ends at `end`; numbers without a handler are skipped.
 *
 * @throws Error for bytes that are no message
 */
export function readFields(
  reader: Reader,
  end: number,
  handlers: Readonly<Record<number, (wireType: number) => void>>,
): void {
  readMessage(reader, end, (number, wireType) => {
    const handler = handlers[number];
    if (handler === undefined) return false;
    handler(wireType);
    return true;
  });
}

/** Calls `field` for each field; false means that it is unknown and to be skipped. */
export function readMessage(
  reader: Reader,
  end: number,
  field: (number: number, wireType: number) => boolean,
): void {
  if (end > reader.len) throw new RangeError('a message is longer than its bytes');
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 0) throw new RangeError('a field has the number 0');
    if (!field(tag >>> 3, tag & 7)) skip(reader, tag & 7);
  }
  if (reader.pos !== end) throw new RangeError('a field ends outside its message');
}

/** Groups went out of use before Kubernetes; nothing sends them. */
export function skip(reader: Reader, wireType: number): void {
  if (![VARINT, FIXED64, BYTES, FIXED32].includes(wireType)) {
    throw new RangeError(`a field has the wire type ${wireType}`);
  }
  reader.skipType(wireType);
}

export function expectWireType(found: number, expected: number, name: string): void {
  if (found !== expected) throw new RangeError(`field ${name} has the wire type ${found}`);
}

/** A 64-bit integer as a number; beyond 2^53 the nearest one. */
export function readInt64(reader: Reader): number {
  const value: unknown = reader.int64();
  return typeof value === 'number' ? value : (value as { toNumber(): number }).toNumber();
}
