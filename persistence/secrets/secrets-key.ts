// One key that Secrets are sealed with, and the error of everything that is wrong with keys.
import { createHash, randomBytes } from 'node:crypto';

/** Length of a key, in bytes. */
export const KEY_BYTES = 32;

/** A key is missing, not to be had, open to others or not understood. The message names its source and what to do. */
export class SecretsKeyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SecretsKeyError';
  }
}

/** One key. Its bytes are private, so that no log or error can print them. */
export class SecretsKey {
  /** First 8 bytes of the SHA-256 of the key, in hexadecimal: says which key, tells nothing about it. */
  readonly id: string;
  /** The key as a plugin sealed it: goes into each envelope, so that the plugin can open it again. Empty for other keys. */
  readonly wrapped: Uint8Array;
  readonly #bytes: Buffer;

  /** @throws RangeError for a wrong length */
  constructor(bytes: Buffer, wrapped: Uint8Array = new Uint8Array()) {
    if (bytes.length !== KEY_BYTES) throw new RangeError(`A secrets key has ${KEY_BYTES} bytes`);
    this.#bytes = bytes;
    this.wrapped = wrapped;
    this.id = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  }

  use<T>(work: (bytes: Buffer) => T): T {
    return work(this.#bytes);
  }
}

export function randomKeyBytes(): Buffer {
  return randomBytes(KEY_BYTES);
}
