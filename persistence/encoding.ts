// A batch of changes as one ArrayBuffer: what travels between threads. Little-endian. A buffer that is used again may be longer than the
// batch that it begins with.
//
//   header (48 bytes)  magic "WLB2" u32 · crc32 of the rest of the header and of the index u32 · count u32 · bytes of the index u32 ·
//                      length of the whole u64 · epoch u64 · first revision u64 · last revision u64
//   index              for each record: revision u64 · op u8 (1 put, 2 delete) · 0 u8 · kind bytes u16 · key bytes u32 · value bytes u32,
//                      then kind and key (UTF-8)
//   values             one behind the other
//
// The checksum is over what says what is where. It leaves the values out: a buffer that is transferred is nobody's but the receiver's, and
// each kind of storage sums values up for what it keeps. Three passes over every value were a tenth of what a commit costs.
import { crc32 } from 'node:zlib';
import { CorruptDataError } from './errors.ts';
import type { LogRecord } from './provider.ts';

const MAGIC = 0x32_42_4c_57;
const HEADER_BYTES = 48;
const RECORD_BYTES = 20;
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
export function encodeBatch({ epoch, records }: Batch): ArrayBuffer {
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('A batch needs a record');
  let indexBytes = 0;
  let valueBytes = 0;
  for (const { kind, key, value } of records) {
    indexBytes += RECORD_BYTES + nameBytes(kind) + nameBytes(key);
    valueBytes += value?.byteLength ?? 0;
  }
  // Of its own, to be transferred; not cleared, so every byte of it must be written.
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + indexBytes + valueBytes);
  let offset = HEADER_BYTES;
  let valueOffset = HEADER_BYTES + indexBytes;
  let previous = -1;
  for (const record of records) {
    if (record.revision <= previous) throw new RangeError('Revisions of a batch must grow');
    previous = record.revision;
    offset = writeEntry(bytes, offset, record);
    if (record.value === undefined) continue;
    bytes.set(record.value, valueOffset);
    valueOffset += record.value.byteLength;
  }
  const count = records.length;
  writeHeader(bytes, { count, indexBytes, epoch, first: first.revision, last: last.revision });
  return bytes.buffer;
}

/** The first and the last revision of a batch that encodeBatch() made; nothing else is looked at. */
export function revisionsOf(batch: ArrayBuffer): { readonly first: number; readonly last: number } {
  const bytes = Buffer.from(batch);
  return { first: readUint53(bytes, 32), last: readUint53(bytes, 40) };
}

/**
 * The same batch at another epoch, in the same buffer.
 *
 * @throws CorruptDataError for a header or an index that encodeBatch() did not write
 */
export function atEpoch(batch: ArrayBuffer, epoch: number): ArrayBuffer {
  const bytes = wholeOf(batch);
  const values = checkIndex(bytes);
  writeUint53(bytes, epoch, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(8, values)), 4);
  return batch;
}

/**
 * One batch of what several hold that follow each other, at another epoch: a copy, without decoding any record.
 *
 * @param spare a buffer of the caller's that nobody uses any more: the batch is put into it when it is large enough
 * @throws RangeError for revisions that do not grow
 */
export function joinBatches(
  batches: readonly ArrayBuffer[],
  epoch: number,
  spare?: ArrayBuffer,
): ArrayBuffer {
  const parts = batches.map(wholeOf);
  const length = parts.reduce((sum, part) => sum + part.length - HEADER_BYTES, HEADER_BYTES);
  const indexBytes = parts.reduce((sum, part) => sum + part.readUInt32LE(12), 0);
  const isEnough = spare !== undefined && spare.byteLength >= length;
  const bytes = isEnough ? Buffer.from(spare, 0, length) : Buffer.allocUnsafeSlow(length);
  let offset = HEADER_BYTES;
  let valueOffset = HEADER_BYTES + indexBytes;
  let count = 0;
  let previous = -1;
  for (const part of parts) {
    if (readUint53(part, 32) <= previous) throw new RangeError('Revisions of a batch must grow');
    previous = readUint53(part, 40);
    count += part.readUInt32LE(8);
    const values = HEADER_BYTES + part.readUInt32LE(12);
    offset += part.copy(bytes, offset, HEADER_BYTES, values);
    valueOffset += part.copy(bytes, valueOffset, values);
  }
  const first = parts[0];
  if (first === undefined) throw new RangeError('A batch needs a record');
  writeHeader(bytes, { count, indexBytes, epoch, first: readUint53(first, 32), last: previous });
  return isEnough ? spare : bytes.buffer;
}

/** The buffer may be larger than the batch that it begins with. */
function wholeOf(batch: ArrayBuffer): Buffer {
  const bytes = Buffer.from(batch);
  if (bytes.length < HEADER_BYTES) throw corrupt(`${bytes.length} bytes are too few`);
  if (bytes.readUInt32LE(0) !== MAGIC) throw corrupt('it does not start with the magic number');
  const length = readUint53(bytes, 16);
  if (length < HEADER_BYTES || length > bytes.length) throw corrupt('its length is wrong');
  return bytes.subarray(0, length);
}

/** @returns where the index ends, and the values begin */
function checkIndex(bytes: Buffer): number {
  const values = HEADER_BYTES + bytes.readUInt32LE(12);
  if (values > bytes.length) throw corrupt('its index is cut off');
  if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8, values)))
    throw corrupt('its checksum is wrong');
  return values;
}

/** A batch of what another holds after a revision; its last record must come after it. */
export function batchAfter(batch: ArrayBuffer, revision: number): ArrayBuffer {
  const { epoch, records } = decodeBatch(batch);
  return encodeBatch({ epoch, records: records.filter((record) => record.revision > revision) });
}

interface Header {
  readonly count: number;
  readonly indexBytes: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

function writeHeader(bytes: Buffer, { count, indexBytes, epoch, first, last }: Header): void {
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(count, 8);
  bytes.writeUInt32LE(indexBytes, 12);
  writeUint53(bytes, bytes.length, 16);
  writeUint53(bytes, epoch, 24);
  writeUint53(bytes, first, 32);
  writeUint53(bytes, last, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(8, HEADER_BYTES + indexBytes)), 4);
}

/** @returns where the next one begins */
function writeEntry(bytes: Buffer, start: number, record: LogRecord): number {
  const names = start + RECORD_BYTES;
  const kindBytes = writeName(bytes, record.kind, names);
  const keyBytes = writeName(bytes, record.key, names + kindBytes);
  writeUint53(bytes, record.revision, start);
  // The upper half is zero.
  bytes.writeUInt16LE(record.value === undefined ? DELETE : PUT, start + 8);
  bytes.writeUInt16LE(kindBytes, start + 10);
  bytes.writeUInt32LE(keyBytes, start + 12);
  bytes.writeUInt32LE(record.value?.byteLength ?? 0, start + 16);
  return names + kindBytes + keyBytes;
}

/**
 * Checks and decodes a batch. Values are views of `buffer`, not copies.
 *
 * @throws CorruptDataError for anything that encodeBatch() did not write, but for bytes of values
 */
export function decodeBatch(buffer: ArrayBuffer): Batch {
  const bytes = wholeOf(buffer);
  const values = checkIndex(bytes);
  const records = readRecords(bytes, values);
  const first = records[0]?.revision;
  const last = records.at(-1)?.revision;
  if (records.length !== bytes.readUInt32LE(8) || first === undefined)
    throw corrupt('its record count is wrong');
  if (readUint53(bytes, 32) !== first || readUint53(bytes, 40) !== last)
    throw corrupt('its revision range is wrong');
  return { epoch: readUint53(bytes, 24), records };
}

/** @param values where they begin, and the index ends */
function readRecords(bytes: Buffer, values: number): LogRecord[] {
  const records: LogRecord[] = [];
  let offset = HEADER_BYTES;
  let value = values;
  let previous: LogRecord | undefined;
  while (offset < values) {
    if (offset + RECORD_BYTES > values) throw corrupt('a record is cut off');
    const names = offset + RECORD_BYTES;
    const key = names + bytes.readUInt16LE(offset + 10);
    const next = key + bytes.readUInt32LE(offset + 12);
    const end = value + bytes.readUInt32LE(offset + 16);
    if (next > values || end > bytes.length) throw corrupt('a record is cut off');
    const revision = readUint53(bytes, offset);
    if (previous !== undefined && revision <= previous.revision)
      throw corrupt('its revisions do not grow');
    const kind = sameKind(bytes, previous?.kind, names, key) ?? bytes.toString('utf8', names, key);
    const named = { revision, kind, key: bytes.toString('utf8', key, next) };
    const op = bytes.readUInt8(offset + 8);
    if (op !== PUT && op !== DELETE) throw corrupt(`operation ${op} is unknown`);
    if (op === DELETE && end !== value) throw corrupt('a deletion has a value');
    previous = op === PUT ? { ...named, value: bytes.subarray(value, end) } : named;
    records.push(previous);
    offset = next;
    value = end;
  }
  if (value !== bytes.length) throw corrupt('its length is wrong');
  return records;
}

/** The kind of the record before when these bytes are the same: most often they are, and a call into the runtime costs more. */
function sameKind(
  bytes: Buffer,
  kind: string | undefined,
  start: number,
  end: number,
): string | undefined {
  if (kind === undefined || kind.length !== end - start) return undefined;
  for (let at = 0; at < kind.length; at += 1) {
    const code = kind.charCodeAt(at);
    if (code > LAST_ASCII || code !== bytes[start + at]) return undefined;
  }
  return kind;
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
