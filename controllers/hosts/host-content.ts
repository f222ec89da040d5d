// What putFile() is given, as a stream of bytes whatever it was, with its digest computed on the way.
import { createHash } from 'node:crypto';

export type HostContent = AsyncIterable<Uint8Array> | Uint8Array | string;

/** Pieces no larger than this are given to the transport. */
const PIECE_BYTES = 256 << 10;

/** The bytes, in pieces; ends with the signal's reason when it aborts in between. */
export async function* piecesOf(
  content: HostContent,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const source =
    typeof content === 'string'
      ? [Buffer.from(content)]
      : content instanceof Uint8Array
        ? [content]
        : content;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      signal.throwIfAborted();
      yield chunk.subarray(at, at + PIECE_BYTES);
    }
  }
  signal.throwIfAborted();
}

/** SHA-256, lower-case hex. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
