// Header blocks of SPDY/3.1: names and values, compressed in one zlib stream for the whole connection in each direction.
import { constants, createInflate } from 'node:zlib';
import type { Inflate } from 'node:zlib';

import { DICTIONARY_ADLER32, dictionary } from './dictionary.ts';

export type Headers = ReadonlyMap<string, string>;

/** A small block may unpack into a large one; nobody needs so much to name a stream. */
const LIMIT_BYTES = 64 * 1024;
const STORED_LIMIT_BYTES = 0xffff;

/** @throws Error when it is not one header block from end to end */
export function decodeHeaders(block: Buffer): Headers {
  const headers = new Map<string, string>();
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new Error('a header block ends early');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) throw new Error('a header is longer than its block');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = number();
  if (count > block.length / 8) throw new Error('a header block holds fewer headers than it says');
  for (let index = 0; index < count; index += 1) {
    const name = text().toLowerCase();
    if (name === '' || headers.has(name)) throw new Error('a header has no name or comes twice');
    headers.set(name, text());
  }
  if (at !== block.length) throw new Error('a header block goes on after its last header');
  return headers;
}

export function encodeHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [];
  const number = (value: number): void => {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(value);
    parts.push(bytes);
  };
  number(headers.size);
  for (const text of [...headers].flat()) {
    const bytes = Buffer.from(text);
    number(bytes.length);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/** Unpacks the blocks of one connection, which must come in order: each needs what the ones before it left behind. */
export class HeaderInflater {
  readonly #inflate: Inflate;
  #parts: Buffer[] = [];
  #bytes = 0;
  #error: Error | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor() {
    this.#inflate = createInflate({ dictionary });
    this.#inflate.on('data', (part: Buffer) => {
      this.#bytes += part.length;
      if (this.#bytes > LIMIT_BYTES) {
        this.#error ??= new Error(`a header block is larger than ${LIMIT_BYTES} bytes`);
        this.#inflate.destroy(this.#error);
      } else this.#parts.push(part);
    });
    this.#inflate.on('error', (error) => {
      this.#error ??= error;
      this.#fail?.(error);
    });
    this.#inflate.on('end', () => {
      this.#error ??= new Error('the stream of header blocks has ended');
      this.#fail?.(this.#error);
    });
  }

  /** @throws Error when it does not unpack to a header block; the connection cannot go on then */
  async decode(compressed: Buffer): Promise<Headers> {
    this.#throwIfFailed();
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#inflate.write(compressed);
      this.#inflate.flush(constants.Z_SYNC_FLUSH, () => resolve());
    });
    // A flush calls back when the stream is destroyed too.
    this.#throwIfFailed();
    const block = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return decodeHeaders(block);
  }

  close(): void {
    this.#inflate.destroy();
  }

  #throwIfFailed(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

/**
 * Packs the blocks of one connection without compressing them: as stored blocks (RFC 1951, 3.2.4), closed by an empty one as a
 * flush does. What a server says in headers is a few bytes, and nothing in them depends on another client's secret.
 */
export class HeaderPacker {
  #isFirst = true;

  encode(headers: Headers): Buffer {
    const block = encodeHeaders(headers);
    const parts = this.#isFirst ? [zlibHeader()] : [];
    this.#isFirst = false;
    for (let at = 0; at < block.length; at += STORED_LIMIT_BYTES) {
      parts.push(...stored(block.subarray(at, at + STORED_LIMIT_BYTES)));
    }
    return Buffer.concat([...parts, ...stored(Buffer.alloc(0))]);
  }
}

/** RFC 1950: deflate with a 32 KiB window, a dictionary, and the number that names it. */
function zlibHeader(): Buffer {
  const header = Buffer.from([0x78, 0x20, 0, 0, 0, 0]);
  header[1] = 0x20 + (31 - ((0x78 * 256 + 0x20) % 31));
  header.writeUInt32BE(DICTIONARY_ADLER32, 2);
  return header;
}

function stored(bytes: Buffer): Buffer[] {
  const header = Buffer.alloc(5);
  header.writeUInt16LE(bytes.length, 1);
  header.writeUInt16LE(bytes.length ^ 0xffff, 3);
  return [header, bytes];
}
