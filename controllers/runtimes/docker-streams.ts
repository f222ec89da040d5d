// Takes the output of an attached container apart while it comes, no faster than its readers read: frames of an eight-byte header
// (stream, three zeros, length) and a payload that may come in pieces. With a terminal there are no frames.
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;

export interface Outputs {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when all has been given to the readers, or they are gone. */
  readonly done: Promise<void>;
}

export function splitOutputs(source: Readable, isTerminal: boolean): Outputs {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  const done = copy(source, isTerminal, stdout, stderr)
    .catch(() => undefined)
    .finally(() => {
      stdout.end();
      stderr.end();
    });
  return { stdout, stderr, done };
}

async function copy(
  source: Readable,
  isTerminal: boolean,
  stdout: PassThrough,
  stderr: PassThrough,
): Promise<void> {
  const parser = new FrameSplitter();
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const pieces = isTerminal ? [{ stream: 1, bytes: chunk }] : parser.push(chunk);
    for (const { stream, bytes } of pieces) {
      const target = stream === STDERR ? stderr : stdout;
      if (!target.destroyed && !target.write(bytes)) await drained(target);
    }
  }
}

async function drained(target: PassThrough): Promise<void> {
  const gone = new AbortController();
  const end = (): void => gone.abort();
  target.once('close', end);
  try {
    await once(target, 'drain', { signal: gone.signal });
  } catch {
    // Nobody reads it any more; the other one may still be read.
  } finally {
    target.off('close', end);
  }
}

interface Piece {
  readonly stream: number;
  readonly bytes: Buffer;
}

/** Keeps what of a header has come; payloads go on at once. */
export class FrameSplitter {
  #header: Buffer = Buffer.alloc(0);
  #stream = 0;
  #left = 0;

  push(chunk: Buffer): readonly Piece[] {
    const pieces: Piece[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const missing = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < HEADER_BYTES) break;
        this.#stream = this.#header.readUInt8(0);
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const bytes = rest.subarray(0, this.#left);
      this.#left -= bytes.length;
      rest = rest.subarray(bytes.length);
      pieces.push({ stream: this.#stream, bytes });
    }
    return pieces;
  }
}
