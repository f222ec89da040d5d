// A file of this machine, read as it is asked for. A stream that is made at once would fail unheard when nobody came to read it.
import { createReadStream } from 'node:fs';

export async function* readPieces(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  yield* createReadStream(path, { signal }) as AsyncIterable<Uint8Array>;
}
