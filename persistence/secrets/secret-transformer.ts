// Seals the kinds that hold secrets on their way to storage and opens them on the way back. The shape is the store's
// Transformer; nothing here knows the store.
import { seal, unseal } from './envelope.ts';
import type { Keyring } from './keyring.ts';

/** Storage keys of the kinds that are sealed unless told otherwise. */
export const SECRET_KINDS: readonly string[] = ['core/secrets'];

export interface SecretTransformer {
  toStorage(kind: string, key: string, bytes: Buffer): Uint8Array;
  /** @throws SecretsKeyError: nothing is served that could not be opened */
  fromStorage(kind: string, key: string, bytes: Uint8Array): Uint8Array;
}

export function secretTransformer(
  keyring: Keyring,
  kinds: readonly string[] = SECRET_KINDS,
): SecretTransformer {
  const sealedKinds = new Set(kinds);
  return {
    toStorage: (kind, key, bytes) =>
      sealedKinds.has(kind) ? seal(keyring, bytes, `${kind}/${key}`) : bytes,
    fromStorage: (kind, key, bytes) =>
      sealedKinds.has(kind) ? unseal(keyring, bytes, `${kind}/${key}`) : bytes,
  };
}
