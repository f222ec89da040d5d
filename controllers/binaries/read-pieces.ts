// A file of this machine, read as it is asked for. A stream that is made at once would fail unheard when nobody came to read it.
import { createReadStream } from 'node:fs';
import { READ_BYTES } from './digest.ts';

export async function* readPieces(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const stream = createReadStream(path, { highWaterMark: READ_BYTES, signal });
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error;
  }
}
