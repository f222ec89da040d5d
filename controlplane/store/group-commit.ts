// Writes on their way to the disk. While one batch commits the next gathers, so that the disk's pace sets the batch size:
// one writer alone never waits, and many share an fsync. Order of revision is the order of everything.
import { encodeBatch, encodedSize } from '#persistence/encoding.ts';
import { CorruptDataError, EpochLostError, StorageFailedError } from '#persistence/errors.ts';
import { StorageUnavailableError } from './errors.ts';
import { RelaxedWrites } from './relaxed-writes.ts';
import type { Revision } from './types.ts';
import type { Write } from './write.ts';

const MAXIMUM_BYTES = 4 << 20;
const MAXIMUM_OBJECTS = 1_024;
/** After which relaxed writes are made durable at the latest, with as much again for the disk. */
const FLUSH_MS = 500;

export interface GroupCommitOptions {
  /** Of the next batch. */
  epoch(): number;
  append(batch: ArrayBuffer): Promise<void>;
  /** Makes a durable batch visible. Called synchronously before its writers hear of it. Must not throw. */
  publish(writes: readonly Write[]): void;
  /** The storage is gone for good: nothing can be written any more. */
  failed(error: Error): void;
  /** After each batch: objects, and seconds from handing over to the answer. */
  measured(writes: readonly Write[], seconds: number, error: Error | undefined): void;
  monotonic(): number;
  /** Calls back once after so many milliseconds. @returns how to cancel */
  schedule(delayMs: number, callback: () => void): () => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** The newest write of each key that is in flight. */
  readonly #newest = new Map<string, Write>();
  #queue: Write[] = [];
  /** What was handed over and is not decided. */
  #inFlight: readonly Write[] = [];
  #isRunning = false;
  #failure: Error | undefined;
  #blocked: Error | undefined;
  #idle: Promise<void> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();
  readonly #relaxed = new RelaxedWrites();
  #isFlushDue = false;
  #cancelFlush: (() => void) | undefined;
  #onBlocked: () => void = () => undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Why nothing can be written any more; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure ?? this.#blocked;
  }

  /**
   * The storage takes nothing for now, or takes writes again (undefined). Whoever waits is told; what was handed over is seen by
   * nobody until it is decided, and keeps its place.
   */
  block(cause: Error | undefined): void {
    this.#blocked = cause && new StorageUnavailableError(cause.message, cause);
    if (this.#blocked === undefined) return;
    const undecided = new StorageUnavailableError(
      `${this.#blocked.message}; this write was under way, and becomes visible once it can be acknowledged`,
      cause,
    );
    for (const write of this.#inFlight) write.giveUp(undecided);
    const queued = this.#queue.splice(0);
    for (const write of queued) this.#forget(write);
    for (const write of queued) write.settle(this.#blocked);
    this.#onBlocked();
  }

  /** The storage is gone for good, which no write has found out yet. */
  lose(cause: Error): void {
    if (this.#failure === undefined) this.#fail([], cause);
  }

  newest(id: string): Write | undefined {
    return this.#newest.get(id);
  }

  /** Resolves when every write that was submitted before is decided: they are decided in order. */
  async drained(): Promise<void> {
    await this.#last;
  }

  /** Durable: how far revisions may be handed out by relaxed writes. */
  raiseCeiling(ceiling: Revision): void {
    this.#relaxed.raiseCeiling(ceiling);
  }

  submit(write: Write): void {
    this.#last = write.settled;
    this.#newest.set(write.id, write);
    this.#queue.push(write);
    this.#start();
  }

  #start(): void {
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
    const hadFailed = this.#failure !== undefined;
    this.#failure ??= reason;
    // What waits for an instance that is gone is not waited for.
    if (this.#blocked !== undefined) return;
    const blocked = new Promise<void>((resolve) => {
      this.#onBlocked = resolve;
    });
    await Promise.race([this.#idle, blocked]);
    this.#cancelFlush?.();
    if (hadFailed || this.#relaxed.unflushed.length === 0) return;
    this.#isFlushDue = true;
    this.#start();
    await Promise.race([this.#idle, blocked]);
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#release();
      const early = this.#relaxed.unflushed;
      if (this.#queue.length === 0 && !(this.#isFlushDue && early.length > 0)) break;
      this.#isFlushDue = false;
      const [next] = this.#queue;
      // What was acknowledged before it goes to the log before it.
      if (next?.work !== undefined && early.length === 0) {
        this.#queue.shift();
        await this.#perform(next, next.work);
        continue;
      }
      const writes = this.#take();
      const all = early.length === 0 ? writes : [...early, ...writes];
      this.#inFlight = writes;
      const started = this.#options.monotonic();
      const error = await this.#append(all);
      this.#inFlight = [];
      this.#options.measured(all, (this.#options.monotonic() - started) / 1_000, error);
      if (error === undefined) {
        this.#relaxed.flushed();
        this.#succeed(writes);
      } else {
        this.#relaxed.failed();
        this.#fail(writes, error);
      }
    }
    this.#isRunning = false;
    if (this.#relaxed.unflushed.length > 0 && this.#failure === undefined) this.#flushLater();
  }

  /** Acknowledges relaxed writes that nothing undecided lies before. */
  #release(): void {
    const accepted: Write[] = [];
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (!this.#relaxed.accepts(head)) break;
      this.#relaxed.add(head);
      accepted.push(head);
      this.#queue.shift();
    }
    if (accepted.length > 0) this.#succeed(accepted);
  }

  #flushLater(): void {
    this.#cancelFlush ??= this.#options.schedule(FLUSH_MS, () => {
      this.#cancelFlush = undefined;
      this.#isFlushDue = true;
      this.#start();
    });
  }

  async #perform(write: Write, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail([write], error as Error);
      return;
    }
    this.#succeed([write]);
  }

  /** What may share a batch; nothing where work is next. */
  #take(): Write[] {
    let bytes = 0;
    let count = 0;
    for (const { record, work } of this.#queue) {
      if (work !== undefined) break;
      bytes += encodedSize(record);
      if (count > 0 && (bytes > MAXIMUM_BYTES || count >= MAXIMUM_OBJECTS)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #append(writes: readonly Write[]): Promise<Error | undefined> {
    try {
      const records = writes.map(({ record }) => record);
      await this.#options.append(encodeBatch({ epoch: this.#options.epoch(), records }));
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  #succeed(writes: readonly Write[]): void {
    if (writes.length === 0) return;
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
