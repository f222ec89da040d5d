// Between the store's bytes and the disk's: encryption of chosen kinds. Memory and watches always see plain bytes.
import type { LogRecord } from '#persistence/provider.ts';
import type { Revision } from './types.ts';

/** Throws when bytes cannot be turned back: the store then refuses to open (it fails closed). */
export interface Transformer {
  /** Before the records of a chunk are turned back one by one: for what only waiting brings. */
  prepare?(records: readonly LogRecord[]): Promise<void>;
  /** When all has been loaded, before the first write. */
  loaded?(): Promise<void>;
  /** @param kind the resource's storage key, @param key `namespace/name` or `name` */
  toStorage(kind: string, key: string, bytes: Buffer, revision: Revision): Uint8Array;
  fromStorage(kind: string, key: string, bytes: Uint8Array, revision: Revision): Uint8Array;
}

/** Stores bytes as they are. */
export const plainTransformer: Transformer = {
  toStorage: (_kind, _key, bytes) => bytes,
  fromStorage: (_kind, _key, bytes) => bytes,
};
