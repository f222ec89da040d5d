// A batch of changes as one ArrayBuffer: what travels between threads and what the checks run over. Little-endian.
//
//   header (48 bytes)  magic "WLB1" u32 · crc32 of all that follows u32 · version u16 · 0 u16 · count u32 ·
//                      length of the whole u64 · epoch u64 · first revision u64 · last revision u64
//   record (24 bytes)  revision u64 · op u8 (1 put, 2 delete) · 0 u8 · kind bytes u16 · key bytes u32 · value bytes u32 · 0 u32
//                      then kind, key (UTF-8) and value
import { crc32 } from 'node:zlib';
import { CorruptDataError } from './errors.ts';
import type { LogRecord } from './provider.ts';

const MAGIC = 0x31_42_4c_57;
const VERSION = 1;
const HEADER_BYTES = 48;
const RECORD_BYTES = 24;
const PUT = 1;
const DELETE = 2;
const LAST_ASCII = 0x7f;

export interface Batch {
  readonly epoch: number;
  /** In growing order of revision; at least one. */
  readonly records: readonly LogRecord[];
}

/** Size in bytes that a record takes in a batch. */
export function encodedSize(record: LogRecord): number {
  const names = nameBytes(record.kind) + nameBytes(record.key);
  return RECORD_BYTES + names + (record.value?.byteLength ?? 0);
}

/** As Buffer.byteLength(), which costs more than the name is long. */
function nameBytes(name: string): number {
  for (let at = 0; at < name.length; at += 1) {
    if (name.charCodeAt(at) > LAST_ASCII) return Buffer.byteLength(name);
  }
  return name.length;
}

/** As Buffer.write(). @returns how many bytes */
function writeName(bytes: Buffer, name: string, start: number): number {
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    if (code > LAST_ASCII) return bytes.write(name, start);
    bytes[start + at] = code;
  }
  return name.length;
}

/**
 * Encodes a batch into a buffer of its own, ready to be transferred.
 *
 * @throws RangeError for revisions that do not grow, and for kinds above 64 KiB
 */
export function encodeBatch(batch: Batch): ArrayBuffer {
  const { records } = batch;
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('A batch needs a record');
  const length = records.reduce((sum, record) => sum + encodedSize(record), HEADER_BYTES);
  // Of its own, to be transferred; not cleared, so every byte of it must be written.
  const bytes = Buffer.allocUnsafeSlow(length);
  let offset = HEADER_BYTES;
  let previous = -1;
  for (const record of records) {
    if (record.revision <= previous) throw new RangeError('Revisions of a batch must grow');
    previous = record.revision;
    offset = writeRecord(bytes, offset, record);
  }
  writeHeader(bytes, {
    count: records.length,
    epoch: batch.epoch,
    first: first.revision,
    last: last.revision,
  });
  return bytes.buffer;
}

/** The first and the last revision of a batch that encodeBatch() made; nothing else is looked at. */
export function revisionsOf(batch: ArrayBuffer): { readonly first: number; readonly last: number } {
  const bytes = Buffer.from(batch);
  return { first: readUint53(bytes, 32), last: readUint53(bytes, 40) };
}

/**
 * One batch of what several hold that follow each other, at another epoch: a copy, without decoding any record.
 *
 * @throws RangeError for revisions that do not grow
 */
export function joinBatches(batches: readonly ArrayBuffer[], epoch: number): ArrayBuffer {
  const parts = batches.map((batch) => Buffer.from(batch));
  const length = parts.reduce((sum, part) => sum + part.length - HEADER_BYTES, HEADER_BYTES);
  const bytes = Buffer.allocUnsafeSlow(length);
  let offset = HEADER_BYTES;
  let count = 0;
  let previous = -1;
  for (const part of parts) {
    if (readUint53(part, 32) <= previous) throw new RangeError('Revisions of a batch must grow');
    previous = readUint53(part, 40);
    count += part.readUInt32LE(12);
    offset += part.copy(bytes, offset, HEADER_BYTES);
  }
  const first = parts[0];
  if (first === undefined) throw new RangeError('A batch needs a record');
  writeHeader(bytes, { count, epoch, first: readUint53(first, 32), last: previous });
  return bytes.buffer;
}

function writeHeader(
  bytes: Buffer,
  { count, epoch, first, last }: Readonly<Record<'count' | 'epoch' | 'first' | 'last', number>>,
): void {
  bytes.writeUInt32LE(MAGIC, 0);
  // The upper half is zero.
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(count, 12);
  writeUint53(bytes, bytes.length, 16);
  writeUint53(bytes, epoch, 24);
  writeUint53(bytes, first, 32);
  writeUint53(bytes, last, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
}

function writeRecord(bytes: Buffer, start: number, record: LogRecord): number {
  const body = start + RECORD_BYTES;
  const kindBytes = writeName(bytes, record.kind, body);
  const keyBytes = writeName(bytes, record.key, body + kindBytes);
  const valueBytes = record.value?.byteLength ?? 0;
  writeUint53(bytes, record.revision, start);
  // The upper half is zero.
  bytes.writeUInt16LE(record.value === undefined ? DELETE : PUT, start + 8);
  bytes.writeUInt16LE(kindBytes, start + 10);
  bytes.writeUInt32LE(keyBytes, start + 12);
  bytes.writeUInt32LE(valueBytes, start + 16);
  bytes.writeUInt32LE(0, start + 20);
  const value = body + kindBytes + keyBytes;
  if (record.value !== undefined) bytes.set(record.value, value);
  return value + valueBytes;
}

/**
 * Checks and decodes a batch. Values are views of `buffer`, not copies.
 *
 * @throws CorruptDataError for anything that encodeBatch() did not write
 */
export function decodeBatch(buffer: ArrayBuffer): Batch {
  const bytes = Buffer.from(buffer);
  if (bytes.length < HEADER_BYTES) throw corrupt(`${bytes.length} bytes are too few`);
  if (bytes.readUInt32LE(0) !== MAGIC) throw corrupt('it does not start with the magic number');
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) throw corrupt('its checksum is wrong');
  const version = bytes.readUInt16LE(8);
  if (version !== VERSION) throw corrupt(`version ${version} is unknown`);
  if (readUint53(bytes, 16) !== bytes.length) throw corrupt('its length is wrong');
  const count = bytes.readUInt32LE(12);
  const records: LogRecord[] = [];
  let offset = HEADER_BYTES;
  let previous = -1;
  while (offset < bytes.length) {
    const { record, end } = readRecord(bytes, offset);
    if (record.revision <= previous) throw corrupt('its revisions do not grow');
    previous = record.revision;
    records.push(record);
    offset = end;
  }
  if (records.length !== count || count === 0) throw corrupt('its record count is wrong');
  if (readUint53(bytes, 32) !== records[0]?.revision || readUint53(bytes, 40) !== previous) {
    throw corrupt('its revision range is wrong');
  }
  return { epoch: readUint53(bytes, 24), records };
}

function readRecord(bytes: Buffer, start: number): { record: LogRecord; end: number } {
  const body = start + RECORD_BYTES;
  if (body > bytes.length) throw corrupt('a record is cut off');
  const revision = readUint53(bytes, start);
  const op = bytes.readUInt8(start + 8);
  const key = body + bytes.readUInt16LE(start + 10);
  const value = key + bytes.readUInt32LE(start + 12);
  const end = value + bytes.readUInt32LE(start + 16);
  if (end > bytes.length) throw corrupt('a record is cut off');
  if (op !== PUT && op !== DELETE) throw corrupt(`operation ${op} is unknown`);
  if (op === DELETE && end !== value) throw corrupt('a deletion has a value');
  const named = {
    revision,
    kind: bytes.toString('utf8', body, key),
    key: bytes.toString('utf8', key, value),
  };
  return { record: op === PUT ? { ...named, value: bytes.subarray(value, end) } : named, end };
}

/** Two 32-bit halves: twice as fast as BigInt, and exact below 2^53, which all our numbers are. */
function writeUint53(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value % 0x1_0000_0000, offset);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4);
}

function readUint53(bytes: Buffer, offset: number): number {
  const value = bytes.readUInt32LE(offset + 4) * 0x1_0000_0000 + bytes.readUInt32LE(offset);
  if (!Number.isSafeInteger(value)) throw corrupt('a number is above 2^53');
  return value;
}

function corrupt(why: string): CorruptDataError {
  return new CorruptDataError(`Cannot decode a batch of changes: ${why}`);
}
