// What the segment engine asks of a place that keeps named bytes: an object store, or a directory that may be on NFS. Six verbs,
// of which one carries the safety: putIfAbsent() lets exactly one of all who try have a name, whatever the clocks say.

import { StorageUnreachableError } from '../errors.ts';

/** A putIfAbsent() that certainly gave no name, now or later: there is nothing to find out about it. */
export class NothingWrittenError extends StorageUnreachableError {}

/** One of the names that list() gives. */
export interface BlobEntry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Names are relative: parts of `[A-Za-z0-9._-]+` that do not start with a dot, joined by slashes. Whatever changes something is
 * durable when it resolves. Every call is bounded by the driver's own deadline.
 *
 * All of them throw StorageFullError and StorageUnreachableError (passing), StorageFailedError (everything else).
 */
export interface BlobStore extends AsyncDisposable {
  /** For messages, without secrets. */
  readonly location: string;
  /**
   * Proves what the store can do by doing it, in a folder `probe/<machine>` that it leaves empty.
   *
   * @throws ForeignDataError for a store that cannot be trusted to keep two writers apart
   */
  probe(machine: string): Promise<void>;
  /**
   * Gives the name to these bytes if nothing has it. `exists` also when it holds the very same bytes: telling one's own lost reply
   * apart is the caller's business, by reading.
   *
   * @param sha256 of the body, as hexadecimal digits, for stores that want to be told: who has it need not have it summed again
   * @throws NothingWrittenError, or another StorageUnreachableError when it is not known what became of it; the caller reads, later
   */
  putIfAbsent(name: string, body: Uint8Array, sha256?: string): Promise<'created' | 'exists'>;
  /** Replaces, whole or not at all. With a `tag` only what still has that tag; then `mismatch` also when there is nothing. */
  put(name: string, body: Uint8Array, tag?: string): Promise<'written' | 'mismatch'>;
  /** Never a part of what was put. The tag changes with the bytes. */
  get(name: string): Promise<{ readonly body: Uint8Array; readonly tag: string } | undefined>;
  /**
   * What is below a folder, at any depth: names that sort after `after`, in the order of their bytes. What is being put or deleted
   * meanwhile may be there or not.
   *
   * @param folder without a slash at its end
   */
  list(folder: string, after?: string): AsyncIterable<BlobEntry>;
  /** Nothing is left of it afterwards; what is not there is fine. */
  delete(name: string): Promise<void>;
}
