// SHA-256 as people and manifests write it, and of a file.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const HEX = /^[0-9a-f]{64}$/;
/** Large reads: hashing is what should take the time. */
export const READ_BYTES = 1 << 20;

/** Lower-case hex of `sha256:…` or of the bare digits in any case; undefined for anything else. */
export function parseDigest(text: string): string | undefined {
  const hex = text
    .trim()
    .replace(/^sha256:/, '')
    .toLowerCase();
  return HEX.test(hex) ? hex : undefined;
}

/** Lower-case hex. @throws the file system's error, or the signal's reason */
export async function digestOfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: READ_BYTES });
  for await (const chunk of stream) {
    // Leaving the loop closes the file.
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
