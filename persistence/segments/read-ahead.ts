// Reads blobs in order, some ahead of the one that is worked on: one after the other an object store would cost a round trip each.
import type { BlobStore } from './blob-store.ts';

const AHEAD = 8;
const AHEAD_BYTES = 32 << 20;

export interface Wanted {
  readonly name: string;
  /** As far as it is known; bounds how much is in memory. */
  readonly bytes: number;
}

/** The bodies in the order of what is wanted; undefined for what is not there. */
export async function* readAhead<T extends Wanted>(
  store: BlobStore,
  wanted: readonly T[],
): AsyncGenerator<{ readonly wanted: T; readonly body: Uint8Array | undefined }> {
  const ahead: { readonly wanted: T; readonly reading: ReturnType<BlobStore['get']> }[] = [];
  let bytes = 0;
  let index = 0;
  for (;;) {
    while (index < wanted.length && ahead.length < AHEAD && (bytes < AHEAD_BYTES || bytes === 0)) {
      const next = wanted[index];
      if (next === undefined) break;
      index += 1;
      bytes += next.bytes;
      const reading = store.get(next.name);
      // Whoever stops early, or fails at an earlier one, never looks at it.
      reading.catch(() => undefined);
      ahead.push({ wanted: next, reading });
    }
    const first = ahead.shift();
    if (first === undefined) return;
    const found = await first.reading;
    bytes -= first.wanted.bytes;
    yield { wanted: first.wanted, body: found?.body };
  }
}
