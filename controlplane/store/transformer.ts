// Between the store's bytes and the disk's: encryption of chosen kinds. Memory and watches always see plain bytes.

/** Pure and synchronous. Throws when bytes cannot be turned back: the store then refuses to open (it fails closed). */
export interface Transformer {
  /** @param kind the resource's storage key, @param key `namespace/name` or `name` */
  toStorage(kind: string, key: string, bytes: Buffer): Uint8Array;
  fromStorage(kind: string, key: string, bytes: Uint8Array): Uint8Array;
}

/** Stores bytes as they are. */
export const plainTransformer: Transformer = {
  toStorage: (_kind, _key, bytes) => bytes,
  fromStorage: (_kind, _key, bytes) => bytes,
};
