// Takes the Engine's log format apart: frames of an eight-byte header (stream, three zeros, length) and a payload.
import { Readable } from 'node:stream';

const HEADER_BYTES = 8;

/** The payloads of both streams in order. @param raw a whole log, or a stream of it */
export function demultiplex(raw: Buffer | NodeJS.ReadableStream, limitBytes?: number): Readable {
  return Readable.from(payloads(chunksOf(raw), limitBytes ?? Infinity), { objectMode: false });
}

/** Of a container with a terminal: there are no frames. */
export function terminalLog(raw: Buffer | NodeJS.ReadableStream, limitBytes?: number): Readable {
  return Readable.from(firstBytes(chunksOf(raw), limitBytes ?? Infinity), { objectMode: false });
}

function chunksOf(raw: Buffer | NodeJS.ReadableStream): Iterable<Buffer> | AsyncIterable<Buffer> {
  return Buffer.isBuffer(raw) ? [raw] : (raw as AsyncIterable<Buffer>);
}

async function* firstBytes(
  source: Iterable<Buffer> | AsyncIterable<Buffer>,
  limitBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let left = limitBytes;
  for await (const chunk of source) {
    if (chunk.length > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function* payloads(
  source: Iterable<Buffer> | AsyncIterable<Buffer>,
  limitBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let left = limitBytes;
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(4);
      if (rest.length < end) break;
      const payload = rest.subarray(HEADER_BYTES, Math.min(end, HEADER_BYTES + left));
      if (payload.length > 0) yield payload;
      left -= payload.length;
      if (left <= 0) return;
      rest = rest.subarray(end);
    }
  }
}
