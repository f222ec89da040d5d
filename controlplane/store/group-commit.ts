// Writes on their way to the disk. While one batch commits the next gathers, so that the disk's pace sets the batch size:
// one writer alone never waits, and many share an fsync. Order of revision is the order of everything.
import { encodeBatch, encodedSize } from '#persistence/encoding.ts';
import { CorruptDataError, EpochLostError, StorageFailedError } from '#persistence/errors.ts';
import type { LogRecord } from '#persistence/provider.ts';
import { StorageUnavailableError } from './errors.ts';
import type { IndexedObject } from './stored-object.ts';
import type { Revision } from './types.ts';

const MAXIMUM_BYTES = 4 << 20;
const MAXIMUM_OBJECTS = 1_024;

/** One change that is not durable yet. */
export interface Write {
  /** Key of the whole store: resource and object. */
  readonly id: string;
  readonly resource: string;
  /** Key within the resource's table. */
  readonly key: string;
  readonly isDeletion: boolean;
  readonly isCreation: boolean;
  /** The state to show once durable; of a deletion the last one. */
  readonly object: IndexedObject;
  readonly record: LogRecord;
  /**
   * The write in flight that this one was judged against: without it, this one cannot stand either. Cleared when this one is
   * decided, or a key that is written without pause would hold on to all its writes.
   */
  base: Write | undefined;
  /** The revision that it leaves behind; undefined for a deletion. */
  readonly standing: Revision | undefined;
  settle(error: Error | undefined): void;
  /** Resolves, never rejects, when it is decided: with why it failed, or undefined. */
  readonly settled: Promise<Error | undefined>;
}

export interface GroupCommitOptions {
  readonly epoch: number;
  append(batch: ArrayBuffer): Promise<void>;
  /** Makes a durable batch visible. Called synchronously before its writers hear of it. Must not throw. */
  publish(writes: readonly Write[]): void;
  /** The storage is gone for good: nothing can be written any more. */
  failed(error: Error): void;
  /** After each batch: objects, and seconds from handing over to the answer. */
  measured(writes: readonly Write[], seconds: number, error: Error | undefined): void;
  monotonic(): number;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** The newest write of each key that is in flight. */
  readonly #newest = new Map<string, Write>();
  #queue: Write[] = [];
  #isRunning = false;
  #failure: Error | undefined;
  #idle: Promise<void> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Why nothing can be written any more; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  newest(id: string): Write | undefined {
    return this.#newest.get(id);
  }

  /** Resolves when every write that was submitted before is decided: they are decided in order. */
  async drained(): Promise<void> {
    await this.#last;
  }

  submit(write: Write): void {
    this.#last = write.settled;
    this.#newest.set(write.id, write);
    this.#queue.push(write);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#idle = new Promise((resolve) => {
      // One turn of the event loop: requests that arrived together join the first batch.
      // oxlint-disable-next-line no-restricted-globals
      setImmediate(() => void this.#run().then(resolve));
    });
  }

  /** Refuses further writes and resolves once those in flight are decided. */
  async close(reason: Error): Promise<void> {
    this.#failure ??= reason;
    await this.#idle;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const writes = this.#take();
      const started = this.#options.monotonic();
      const error = await this.#append(writes);
      this.#options.measured(writes, (this.#options.monotonic() - started) / 1_000, error);
      if (error === undefined) this.#succeed(writes);
      else this.#fail(writes, error);
    }
    this.#isRunning = false;
  }

  #take(): Write[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#queue) {
      bytes += encodedSize(record);
      if (count > 0 && (bytes > MAXIMUM_BYTES || count >= MAXIMUM_OBJECTS)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #append(writes: readonly Write[]): Promise<Error | undefined> {
    try {
      const records = writes.map(({ record }) => record);
      await this.#options.append(encodeBatch({ epoch: this.#options.epoch, records }));
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  #succeed(writes: readonly Write[]): void {
    for (const write of writes) this.#forget(write);
    this.#options.publish(writes);
    for (const write of writes) write.settle(undefined);
  }

  #fail(writes: readonly Write[], cause: Error): void {
    const error = new StorageUnavailableError(cause.message, cause);
    // Those queued behind stay: only what was judged against a failed write goes with it.
    const failed = new Set(writes);
    if (isFinal(cause)) {
      this.#failure = error;
      for (const write of this.#queue) failed.add(write);
    }
    // A base is always queued before what stands on it, so one pass finds them all.
    for (const write of this.#queue) {
      if (write.base !== undefined && failed.has(write.base)) failed.add(write);
    }
    this.#queue = this.#queue.filter((write) => !failed.has(write));
    for (const write of failed) this.#forget(write);
    for (const write of failed) write.settle(error);
    if (this.#failure === error) this.#options.failed(cause);
  }

  #forget(write: Write): void {
    write.base = undefined;
    if (this.#newest.get(write.id) === write) this.#newest.delete(write.id);
  }
}

/** After these the disk and the memory may differ, or somebody else writes: nothing more may be acknowledged. */
function isFinal(error: Error): boolean {
  return (
    error instanceof StorageFailedError ||
    error instanceof EpochLostError ||
    error instanceof CorruptDataError
  );
}
