// One change on its way to the disk, as the store and its group commit hand it to each other.
import type { LogRecord } from '#persistence/provider.ts';
import type { IndexedObject } from './stored-object.ts';
import type { Revision } from './types.ts';

/** One change that is not durable yet. */
export interface Write {
  /** Key of the whole store: resource and object. */
  readonly id: string;
  readonly resource: string;
  /** Key within the resource's table. */
  readonly key: string;
  readonly isDeletion: boolean;
  readonly isCreation: boolean;
  /** The state to show once durable; of a deletion the last one. Absent for what the store writes for itself. */
  readonly object: IndexedObject | undefined;
  /** May be acknowledged before it is durable. */
  readonly isRelaxed: boolean;
  readonly record: LogRecord;
  /**
   * Instead of a record: what is done in this one's place of the order, by itself, when all before it is decided and nothing after it
   * has begun.
   */
  readonly work?: () => Promise<void>;
  /**
   * The write in flight that this one was judged against: without it, this one cannot stand either. Cleared when this one is
   * decided, or a key that is written without pause would hold on to all its writes.
   */
  base: Write | undefined;
  /** The revision that it leaves behind; undefined for a deletion. */
  readonly standing: Revision | undefined;
  settle(error: Error | undefined): void;
  /** Answers the writer although nothing is decided: the write may still become visible. */
  giveUp(error: Error): void;
  /** Resolves, never rejects, when it is decided: with why it failed, or undefined. */
  readonly settled: Promise<Error | undefined>;
}
