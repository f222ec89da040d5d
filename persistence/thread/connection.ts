// The main thread's end of one instance: its worker, the requests under way, whether it is up and how fast it is.
import { Worker } from 'node:worker_threads';
import type { Clock } from '#platform/clock.ts';
import { addStuckThread } from '#platform/stuck-threads.ts';
import { CorruptDataError, StorageFailedError, StorageUnreachableError } from '../errors.ts';
import { MeanLatency } from '../mean-latency.ts';
import type { PersistenceProviderStatus } from '../provider.ts';
import { errorOf } from './failures.ts';
import type { Command, Response, Result } from './protocol.ts';
import { StallWatch } from './stall-watch.ts';

/** One instance and the thread that serves it. */
export interface ThreadedInstance {
  /** `<generic>-<hash of its configuration>`. */
  readonly name: string;
  /** For messages: a path or URL without secrets. */
  readonly location: string;
  /** The module of the thread, which runs a LogWorker. */
  readonly worker: URL;
  /** Its workerData; anything that can be cloned. */
  readonly data: object;
  /**
   * How long a call of the thread may take that a file server can hang. The thread gets its `pulse` (stall-watch.ts) with the data
   * and raises it before each; then it is left behind, and the instance is Down. Without it threads are waited for.
   */
  readonly stallMs?: number;
  /** How long closing may take, whatever the thread is at; then it is left behind. 15 s by default. */
  readonly closeMs?: number;
}

interface Pending {
  readonly worker: Worker;
  readonly verb: Command['verb'];
  resolve(result: Result): void;
  reject(error: Error): void;
  /** When it was asked, for requests that make something durable. */
  readonly persistedSince: number | undefined;
}

const PERSISTING: ReadonlySet<string> = new Set(['append', 'write']);
/** What may have been done although the answer did not come. */
const CHANGING: ReadonlySet<string> = new Set(['append', 'write', 'restoreEnd', 'setAside']);
const CLOSE_MS = 15_000;
/** Threads left behind at once: each attempt to open what still hangs would leave another. */
const STUCK_THREADS = 2;

export class Connection {
  readonly #instance: ThreadedInstance;
  readonly #clock: Clock;
  readonly #latency: MeanLatency;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #watch: StallWatch | undefined;
  /** Threads that hang, and may end one day. */
  readonly #stuck = new Set<Worker>();
  #nextId = 1;
  /** Why no request can be made; undefined while the instance is up. */
  #down: Error;
  #isUp = false;
  /** Requests can be made, and nobody knows yet whether there is anything to be had. */
  #isOpening = false;

  constructor(instance: ThreadedInstance, clock: Clock) {
    this.#instance = instance;
    this.#clock = clock;
    this.#latency = new MeanLatency(clock);
    this.#down = new StorageFailedError(
      `Cannot use ${instance.location}: it has not been initialized`,
    );
  }

  get status(): PersistenceProviderStatus {
    const status = this.#isUp && !this.#isOpening;
    return { exists: true, status, meanPersistLatency: this.#latency.seconds };
  }

  /**
   * Starts the worker and opens the instance, unless it is up. Afterwards it is up, or every call rejects with the reason.
   */
  async open(): Promise<void> {
    if (this.#isUp) return;
    await this.close().catch(() => undefined);
    if (this.#stuck.size >= STUCK_THREADS) return;
    const watch = this.#makeWatch();
    this.#watch = watch;
    const worker = new Worker(this.#instance.worker, {
      workerData: { ...this.#instance.data, ...(watch && { pulse: watch.pulse }) },
      // Flags of this process (a debugger, --eval) are not the worker's.
      execArgv: [],
    });
    worker.on('message', (response: Response) => this.#receive(response));
    worker.on('error', (error: unknown) => this.#lose(worker, error));
    worker.on('exit', () => this.#lose(worker, undefined));
    this.#worker = worker;
    this.#isUp = true;
    this.#isOpening = true;
    try {
      await this.request({ verb: 'open' });
      this.#isOpening = false;
    } catch (error) {
      this.#isOpening = false;
      this.#isUp = false;
      this.#down = error as Error;
      // What is damaged can be put aside, by the same thread.
      if (error instanceof CorruptDataError) return;
      this.#worker = undefined;
      await this.#end(worker);
    }
  }

  /** @throws why the instance is down, or what became of the request, as rejections */
  request(command: Command, transfer: ArrayBuffer[] = []): Promise<Result> {
    const worker = this.#worker;
    if (!this.#isUp || worker === undefined) return Promise.reject(this.#down);
    return this.#ask(worker, command, transfer);
  }

  /** Puts the data aside; the instance is up afterwards. @throws as request() */
  async setAside(epoch: number | undefined): Promise<Result> {
    const worker = this.#worker;
    if (worker === undefined) throw this.#down;
    const result = await this.#ask(worker, { verb: 'setAside', epoch }, []);
    if (this.#worker === worker) this.#isUp = true;
    return result;
  }

  /** Closes the data, also of an instance that is down. One that does not answer is left as if the process had died. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const closing = this.#ask(worker, { verb: 'close' }, []);
    this.#worker = undefined;
    this.#isUp = false;
    const { location, closeMs = CLOSE_MS } = this.#instance;
    this.#down = new StorageFailedError(`Cannot use ${location}: it is closed`);
    const cancel = this.#clock.schedule(closeMs, () => this.#giveUp(worker, closeMs));
    try {
      await closing;
    } catch (error) {
      // Nothing more can be done about one that hangs.
      if (!this.#stuck.has(worker)) throw error;
    } finally {
      cancel();
      await this.#end(worker);
    }
  }

  #makeWatch(): StallWatch | undefined {
    const { stallMs } = this.#instance;
    if (stallMs === undefined) return undefined;
    const watch: StallWatch = new StallWatch(this.#clock, stallMs, () => this.#abandon(watch));
    return watch;
  }

  /** Leaves the thread behind: it hangs in a call that nothing can interrupt. */
  #abandon(watch: StallWatch): void {
    if (this.#watch !== watch) return;
    const { stallMs = 0 } = this.#instance;
    const workers = new Set([...this.#pending.values()].map(({ worker }) => worker));
    for (const worker of workers) this.#giveUp(worker, stallMs);
    this.#worker = undefined;
    this.#isUp = false;
    this.#down = new StorageUnreachableError(`Cannot use ${this.#silence(stallMs)}`);
  }

  /** Leaves a thread behind that has not answered for so long, and whoever waits for it without what they asked for. */
  #giveUp(worker: Worker, ms: number): void {
    this.#leave(worker);
    const why = this.#silence(ms);
    for (const [id, pending] of this.#pending) {
      if (pending.worker !== worker) continue;
      this.#pending.delete(id);
      pending.reject(
        CHANGING.has(pending.verb)
          ? new StorageFailedError(`${why}: whether the write was kept is not known`)
          : new StorageUnreachableError(`Cannot use ${why}`),
      );
    }
  }

  #silence(ms: number): string {
    return `${this.#instance.location} has not answered for ${ms / 1_000} s`;
  }

  #leave(worker: Worker): void {
    if (this.#stuck.has(worker)) return;
    this.#stuck.add(worker);
    const countOut = addStuckThread(this.#instance.location);
    worker.unref();
    worker.once('exit', () => {
      this.#stuck.delete(worker);
      countOut();
    });
    // Comes true when the call returns after all; it must do nothing more then.
    void worker.terminate();
  }

  async #end(worker: Worker): Promise<void> {
    if (!this.#stuck.has(worker)) await worker.terminate();
  }

  #ask(worker: Worker, command: Command, transfer: ArrayBuffer[]): Promise<Result> {
    const id = this.#nextId++;
    const persistedSince = PERSISTING.has(command.verb) ? this.#clock.monotonic() : undefined;
    // The server lives by its sockets: a disk thread keeps the process from ending only while it owes an answer.
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { worker, verb: command.verb, resolve, reject, persistedSince });
      this.#watch?.start();
      worker.postMessage({ id, command }, transfer);
    });
  }

  #receive(response: Response): void {
    const pending = this.#pending.get(response.id);
    if (pending === undefined) return;
    this.#pending.delete(response.id);
    if (this.#pending.size === 0) {
      this.#worker?.unref();
      this.#watch?.stop();
    }
    if ('result' in response) {
      if (pending.persistedSince !== undefined) {
        this.#latency.add((this.#clock.monotonic() - pending.persistedSince) / 1_000);
      }
      pending.resolve(response.result);
      return;
    }
    const error = errorOf(response.failure, this.#instance.name, this.#instance.location);
    if (response.isDown && this.#isUp) {
      this.#isUp = false;
      this.#down = error;
    }
    pending.reject(error);
  }

  /** The thread is gone: nobody knows what became of the writes under way. */
  #lose(worker: Worker, cause: unknown): void {
    const error = new StorageFailedError(
      `Cannot use ${this.#instance.location}: its worker thread ended unexpectedly${cause instanceof Error ? ` (${cause.message})` : ''}`,
      { cause },
    );
    if (this.#worker === worker) {
      this.#worker = undefined;
      if (this.#isUp) this.#down = error;
      this.#isUp = false;
    }
    for (const [id, pending] of this.#pending) {
      if (pending.worker !== worker) continue;
      this.#pending.delete(id);
      pending.reject(error);
    }
  }
}
