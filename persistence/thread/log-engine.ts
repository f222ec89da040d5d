// What a worker thread does for one instance, behind the LogWorker that queues and answers. Methods may be synchronous; they
// are never called two at once.
import type { Batch } from '../encoding.ts';
import type { Cursor, LogRecord } from '../provider.ts';
import type { Failure } from './failures.ts';
import type { VerifiedSlice } from './protocol.ts';

type Awaitable<T> = T | Promise<T>;

export interface LogEngine {
  /** What went wrong in the background: from then on nothing is written. */
  readonly failure?: Failure | undefined;
  /** Turns whatever a method threw into data. */
  failureOf(error: unknown): Failure;

  open(): Awaitable<Cursor>;
  /** Takes the next epoch: max(found + 1, atLeast). */
  claim(machine: string, atLeast: number): Awaitable<Cursor>;
  cursor(): Awaitable<Cursor>;
  /**
   * Makes the batches durable together.
   *
   * @returns per batch what kept it out, or undefined; the others are durable
   * @throws when none is
   */
  append(batches: readonly Batch[]): Awaitable<readonly (Failure | undefined)[]>;
  /** Called once the writers of so many bytes have their answer. */
  committed?(bytes: number): Awaitable<void>;
  /** Called after a write that found no space. */
  makeRoom?(): void;
  /** Writes one change at the next revision, whoever holds the epoch; what the record says of its revision means nothing. */
  write(change: LogRecord): Awaitable<void>;
  /** The rows after a revision, as many as fit a page; none after the last. With `history` it throws `compacted` when some are gone. */
  read(after: number, history: boolean): Awaitable<readonly LogRecord[]>;
  get(kind: string, key: string): Awaitable<LogRecord | undefined>;
  /** In the order of revisions. */
  getAll(kind: string): Awaitable<readonly LogRecord[]>;
  /** One slice. @returns true when nothing is left to do */
  compact(through: number): Awaitable<boolean>;

  /** Begins to gather a log that will replace this one; forgets another that was begun. Throws `epoch-lost` for another epoch. */
  beginRestore(cursor: Cursor): Awaitable<void>;
  /** Records in order, checked by the caller. */
  addRestored(records: readonly LogRecord[]): Awaitable<void>;
  /** The moment from which the new log counts. Throws `epoch-lost` when the epoch has changed since. */
  endRestore(): Awaitable<void>;
  /** Forgets what was gathered. */
  abortRestore(): Awaitable<void>;
  /**
   * Also of what open() found damaged; open afterwards. Throws `epoch-lost` when another epoch than this is the newest.
   *
   * @returns where the data is now
   */
  setAside(epoch: number | undefined): Awaitable<string>;
  verify(from: string | undefined): Awaitable<VerifiedSlice>;
  readHolder?(): Awaitable<string | undefined>;
  writeHolder?(text: string): Awaitable<void>;
  /** @param isSound false after a failure: nothing more may be written */
  close(isSound: boolean): Awaitable<void>;
}
