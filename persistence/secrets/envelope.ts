// AES-256-GCM envelopes. Each gets a key of its own, derived from the file's key and a random salt (HKDF-SHA256), so that no
// number of Secrets comes near the limit of random nonces under one key. The associated data binds an envelope to its place:
// one copied to another object does not open.
//
//   "WLS" 1 (4 bytes) · key id (8) · salt (32) · nonce (12) · tag (16) · ciphertext
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { SecretsKeyError } from './keyring.ts';
import type { Keyring, SecretsKey } from './keyring.ts';

const MAGIC = Buffer.from([0x57, 0x4c, 0x53, 0x01]);
const KEY_ID_END = 12;
const SALT_END = 44;
const NONCE_END = 56;
const TAG_END = 72;
const CIPHER = 'aes-256-gcm';
const PURPOSE = 'windlass secret envelope 1';

/** True for bytes that seal() made; JSON never starts like this. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= TAG_END && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** Id of the key that an envelope was sealed with. */
export function keyIdOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(MAGIC.length, KEY_ID_END)).toString('hex');
}

/** @param associatedData what the envelope belongs to, e.g. kind and key; needed again to open it */
export function seal(keyring: Keyring, plaintext: Uint8Array, associatedData: string): Buffer {
  const key = keyring.sealingKey;
  const salt = randomBytes(SALT_END - KEY_ID_END);
  const nonce = randomBytes(NONCE_END - SALT_END);
  const header = Buffer.concat([MAGIC, Buffer.from(key.id, 'hex'), salt, nonce]);
  const cipher = createCipheriv(CIPHER, derive(key, salt), nonce);
  cipher.setAAD(Buffer.concat([header, Buffer.from(associatedData)]));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([header, cipher.getAuthTag(), ciphertext]);
}

/** @throws SecretsKeyError when the key is not in the ring, or the envelope was changed or moved */
export function unseal(keyring: Keyring, sealed: Uint8Array, associatedData: string): Buffer {
  if (!isSealed(sealed)) {
    throw new SecretsKeyError(
      `Cannot open ${associatedData}: it was stored without encryption, which this server never does`,
    );
  }
  const id = keyIdOf(sealed);
  const key = keyring.find(id);
  if (key === undefined) {
    throw new SecretsKeyError(
      `Cannot open ${associatedData}: it was sealed with key ${id}, which is not in ${keyring.path}; put the key file back that was used before`,
    );
  }
  const header = sealed.subarray(0, NONCE_END);
  const decipher = createDecipheriv(
    CIPHER,
    derive(key, sealed.subarray(KEY_ID_END, SALT_END)),
    sealed.subarray(SALT_END, NONCE_END),
    { authTagLength: TAG_END - NONCE_END },
  );
  decipher.setAAD(Buffer.concat([header, Buffer.from(associatedData)]));
  decipher.setAuthTag(sealed.subarray(NONCE_END, TAG_END));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(TAG_END)), decipher.final()]);
  } catch (error) {
    throw new SecretsKeyError(
      `Cannot open ${associatedData}: the stored bytes were changed or belong to another object`,
      { cause: error },
    );
  }
}

function derive(key: SecretsKey, salt: Uint8Array): Uint8Array {
  return key.use((bytes) => new Uint8Array(hkdfSync('sha256', bytes, salt, PURPOSE, bytes.length)));
}
