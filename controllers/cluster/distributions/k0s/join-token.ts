// The join token of k0s: a gzipped kubeconfig in base64, whose user's token begins with its id. It is a secret: only the id is said.
import { gunzipSync } from 'node:zlib';

/** Far above any kubeconfig. */
const MAXIMUM_BYTES = 1024 * 1024;

/** The id that `k0s token invalidate` takes; undefined for what is no token. */
export function tokenId(token: string): string | undefined {
  try {
    const text = gunzipSync(Buffer.from(token.trim(), 'base64'), {
      maxOutputLength: MAXIMUM_BYTES,
    }).toString();
    return /^\s*"?token"?:\s*"?([a-z0-9]{6})\.[a-z0-9]{16}/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}
