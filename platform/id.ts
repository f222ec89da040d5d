// Random names and ids, in one place so that tests can put a counter there instead.
import { randomBytes, randomUUID } from 'node:crypto';

/** Letters and digits without vowels and look-alikes, as Kubernetes uses for generated names. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** Where a component gets unique values from. */
export interface IdSource {
  /** A random UUID, version 4, in lower case. */
  uuid(): string;
  /** `length` characters for the end of a generated name. */
  suffix(length: number): string;
  /** `length` hexadecimal characters that cannot be guessed. */
  hex(length: number): string;
}

/** Ids from the operating system's generator. */
export const systemIds: IdSource = {
  uuid: () => randomUUID(),
  suffix(length) {
    // 27 letters and 256 byte values: bytes from 243 on would favour the first letters, so they are drawn again.
    let suffix = '';
    while (suffix.length < length) {
      for (const byte of drawn(length)) {
        if (byte < 243 && suffix.length < length) suffix += SUFFIX_ALPHABET.charAt(byte % 27);
      }
    }
    return suffix;
  },
  hex: (length) =>
    drawn(Math.ceil(length / 2))
      .toString('hex')
      .slice(0, length),
};

/** Asking the generator costs the same for a few bytes as for many; each byte is given out once. */
const POOL_BYTES = 1024;
let pool = Buffer.alloc(0);

function drawn(count: number): Buffer {
  if (count > POOL_BYTES) return randomBytes(count);
  if (pool.length < count) pool = randomBytes(POOL_BYTES);
  const bytes = pool.subarray(0, count);
  pool = pool.subarray(count);
  return bytes;
}
