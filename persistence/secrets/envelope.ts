// AES-256-GCM envelopes. Each gets a key of its own, derived from the sealing key and a random salt (HKDF-SHA256), so that no
// number of Secrets comes near the limit of random nonces under one key. The whole header is authenticated, and with it the
// place: kind, key and revision, which every object version has for itself alone. So an envelope moved to another object, or an
// old one put in the place of a newer one, does not open. docs/adr/0013 says why it is these.
//
//   version 2   "WLS" 2 (4 bytes) · key id (8) · revision (8, little-endian) · length of the wrapped key (2) · wrapped key ·
//               salt (32) · nonce (12) · tag (16) · ciphertext
//   version 1   "WLS" 1 (4) · key id (8) · salt (32) · nonce (12) · tag (16) · ciphertext; without revision. Read, never written
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Keyring } from './keyring.ts';
import { SecretsKeyError } from './secrets-key.ts';
import type { SecretsKey } from './secrets-key.ts';

const MAGIC = Buffer.from('WLS');
const KEY_ID_START = 4;
const KEY_ID_END = 12;
const REVISION_END = 20;
const WRAPPED_START = 22;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';
const PURPOSE = 'windlass secret envelope 1';

/** What an envelope belongs to. */
export interface Place {
  readonly kind: string;
  readonly key: string;
  /** Of the object's version in the log; 0 where the storage does not tell it. */
  readonly revision: number;
}

/** What can be read without a key. */
export interface EnvelopeHeader {
  readonly version: 1 | 2;
  readonly keyId: string;
  /** 0: not bound to one. */
  readonly revision: number;
  /** Empty for keys that no plugin wrapped. */
  readonly wrapped: Uint8Array;
  /** Where the salt begins. */
  readonly saltStart: number;
}

/** Undefined for bytes that seal() did not make; JSON never starts like these. */
export function readHeader(bytes: Uint8Array): EnvelopeHeader | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length <= KEY_ID_END || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) {
    return undefined;
  }
  const version = buffer.readUInt8(MAGIC.length);
  if (version !== 1 && version !== 2) return undefined;
  if (version === 2 && buffer.length < WRAPPED_START) return undefined;
  const wrappedBytes = version === 2 ? buffer.readUInt16LE(REVISION_END) : 0;
  const saltStart = version === 2 ? WRAPPED_START + wrappedBytes : KEY_ID_END;
  if (buffer.length < saltStart + SALT_BYTES + NONCE_BYTES + TAG_BYTES) return undefined;
  return {
    version,
    keyId: buffer.toString('hex', KEY_ID_START, KEY_ID_END),
    revision: version === 2 ? Number(buffer.readBigUInt64LE(KEY_ID_END)) : 0,
    wrapped: version === 2 ? buffer.subarray(WRAPPED_START, saltStart) : Buffer.alloc(0),
    saltStart,
  };
}

export function seal(keyring: Keyring, plaintext: Uint8Array, place: Place): Buffer {
  const key = keyring.sealingKey;
  const fixed = Buffer.alloc(WRAPPED_START);
  MAGIC.copy(fixed);
  fixed.writeUInt8(2, MAGIC.length);
  fixed.write(key.id, KEY_ID_START, 'hex');
  fixed.writeBigUInt64LE(BigInt(place.revision), KEY_ID_END);
  fixed.writeUInt16LE(key.wrapped.length, REVISION_END);
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const header = Buffer.concat([fixed, key.wrapped, salt, nonce]);
  const cipher = createCipheriv(CIPHER, derive(key, salt), nonce);
  cipher.setAAD(Buffer.concat([header, Buffer.from(nameOf(place))]));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([header, cipher.getAuthTag(), ciphertext]);
}

/** @throws SecretsKeyError when the key is not in the ring, or the envelope was changed or moved */
export function unseal(keyring: Keyring, sealed: Uint8Array, place: Place): Buffer {
  const name = nameOf(place);
  const header = readHeader(sealed);
  if (header === undefined) {
    throw new SecretsKeyError(
      `Cannot open ${name}: it is stored without encryption or damaged; this server stores it sealed only`,
    );
  }
  const key = keyring.find(header.keyId);
  if (key === undefined) {
    throw new SecretsKeyError(
      `Cannot open ${name}: it was sealed with key ${header.keyId}, which is not in ${keyring.description}; put back what --secrets-key named when it was sealed, or add that as a second --secrets-key`,
    );
  }
  const moved = `Cannot open ${name}: the stored bytes were changed or belong to another object; restore it from a backup`;
  const isElsewhere =
    header.revision !== 0 && place.revision !== 0 && header.revision !== place.revision;
  if (isElsewhere) throw new SecretsKeyError(moved);
  const nonceStart = header.saltStart + SALT_BYTES;
  const tagStart = nonceStart + NONCE_BYTES;
  const decipher = createDecipheriv(
    CIPHER,
    derive(key, sealed.subarray(header.saltStart, nonceStart)),
    sealed.subarray(nonceStart, tagStart),
    { authTagLength: TAG_BYTES },
  );
  decipher.setAAD(Buffer.concat([sealed.subarray(0, tagStart), Buffer.from(name)]));
  decipher.setAuthTag(sealed.subarray(tagStart, tagStart + TAG_BYTES));
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(tagStart + TAG_BYTES)),
      decipher.final(),
    ]);
  } catch (error) {
    throw new SecretsKeyError(moved, { cause: error });
  }
}

function nameOf({ kind, key }: Place): string {
  return `${kind}/${key}`;
}

function derive(key: SecretsKey, salt: Uint8Array): Uint8Array {
  return key.use((bytes) => new Uint8Array(hkdfSync('sha256', bytes, salt, PURPOSE, bytes.length)));
}
