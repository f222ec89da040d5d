// A dump on its way from a server to a command: frames of a length and a CRC-32 (u32 each, little-endian) and so many bytes. The first
// is the head as JSON, each that follows a batch (encoding.ts), and one of no bytes says that it is complete.
import { crc32 } from 'node:zlib';
import { decodeBatch, encodeBatch } from '../encoding.ts';
import { CorruptDataError } from '../errors.ts';
import type { Cursor, LogDump, LogRecord } from '../provider.ts';

const HEADER_BYTES = 8;
/** A batch holds a page of records or one large object. */
const LONGEST_FRAME = 256 << 20;

export interface DumpHead extends Cursor {
  /** Where it is read from, without secrets. */
  readonly source: string;
}

export async function* encodeDump(
  dump: LogDump,
  source: string,
  wanted: (record: LogRecord) => boolean,
): AsyncGenerator<Uint8Array> {
  const { epoch, revision, compacted } = dump;
  yield frame(Buffer.from(JSON.stringify({ epoch, revision, compacted, source })));
  for await (const page of dump.records) {
    const records = page.filter((record) => wanted(record));
    if (records.length > 0) yield frame(new Uint8Array(encodeBatch({ epoch, records })));
  }
  yield frame(new Uint8Array());
}

function frame(body: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes.writeUInt32LE(body.length);
  bytes.writeUInt32LE(crc32(body), 4);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

export interface DecodedDump extends LogDump {
  readonly source: string;
}

/** Resolves with the head; the records come as they are asked for. @throws CorruptDataError for what encodeDump() did not make */
export async function decodeDump(chunks: AsyncIterable<Uint8Array>): Promise<DecodedDump> {
  const frames = framesOf(chunks);
  const first = await frames.next();
  if (first.done === true) throw cutOff();
  const head = headOf(first.value);
  return { ...head, records: recordsOf(frames) };
}

async function* recordsOf(frames: AsyncGenerator<Buffer>): AsyncGenerator<readonly LogRecord[]> {
  for await (const body of frames) {
    if (body.length === 0) return;
    // Of its own, and aligned: decodeBatch() takes a whole ArrayBuffer.
    yield decodeBatch(new Uint8Array(body).buffer).records;
  }
  throw cutOff();
}

async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let needed = HEADER_BYTES;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    // Joined only when a frame is whole: joining at each chunk would copy a large one over and over.
    while (size >= needed) {
      const bytes = Buffer.concat(parts);
      const length = bytes.readUInt32LE(0);
      if (length > LONGEST_FRAME)
        throw new CorruptDataError('Cannot read the dump: a frame is too long');
      const end = HEADER_BYTES + length;
      parts = [bytes];
      if (size < end) {
        needed = end;
        break;
      }
      const body = bytes.subarray(HEADER_BYTES, end);
      if (crc32(body) !== bytes.readUInt32LE(4))
        throw new CorruptDataError('Cannot read the dump: it was changed on its way; try again');
      yield body;
      const rest = bytes.subarray(end);
      parts = [rest];
      size = rest.length;
      needed = HEADER_BYTES;
    }
  }
}

function headOf(body: Buffer): DumpHead {
  const { epoch, revision, compacted, source } = JSON.parse(body.toString()) as DumpHead;
  if (![epoch, revision, compacted].every(Number.isSafeInteger) || typeof source !== 'string')
    throw new CorruptDataError('Cannot read the dump: its head is not one');
  return { epoch, revision, compacted, source };
}

function cutOff(): CorruptDataError {
  return new CorruptDataError('Cannot read the dump: it ended before its end; try again');
}
