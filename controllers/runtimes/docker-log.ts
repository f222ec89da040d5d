// Takes the Engine's log format apart: frames of an eight-byte header (stream, three zeros, length) and a payload.
import { Readable } from 'node:stream';

const HEADER_BYTES = 8;

/** The payloads of both streams in order. @param raw a whole log, or a stream of it */
export function demultiplex(raw: Buffer | NodeJS.ReadableStream, limitBytes?: number): Readable {
  const source = Buffer.isBuffer(raw) ? [raw] : (raw as AsyncIterable<Buffer>);
  return Readable.from(payloads(source, limitBytes ?? Infinity), { objectMode: false });
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
