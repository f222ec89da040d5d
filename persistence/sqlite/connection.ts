// The main thread's end of one instance: its worker, the requests under way, whether it is up and how fast it is.
import { Worker } from 'node:worker_threads';
import type { Clock } from '#platform/clock.ts';
import { StorageFailedError } from '../errors.ts';
import { MeanLatency } from '../mean-latency.ts';
import type { PersistenceProviderStatus } from '../provider.ts';
import { errorOf } from './failures.ts';
import type { Command, Response, Result } from './protocol.ts';

interface Pending {
  resolve(result: Result): void;
  reject(error: Error): void;
  /** When it was asked, for requests that make something durable. */
  readonly persistedSince: number | undefined;
}

// Beside this file, and of its kind: .ts in a checkout, .js in the packed package.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js',
  import.meta.url,
);

const PERSISTING: ReadonlySet<string> = new Set(['append', 'write']);

export class Connection {
  readonly #instance: string;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #latency: MeanLatency;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #nextId = 1;
  /** Why no request can be made; undefined while the instance is up. */
  #down: Error;
  #isUp = false;

  constructor(instance: string, path: string, clock: Clock) {
    this.#instance = instance;
    this.#path = path;
    this.#clock = clock;
    this.#latency = new MeanLatency(clock);
    this.#down = new StorageFailedError(`Cannot use ${path}: it has not been initialized`);
  }

  get status(): PersistenceProviderStatus {
    return { exists: true, status: this.#isUp, meanPersistLatency: this.#latency.seconds };
  }

  /** Starts the worker and opens the file. Afterwards the instance is up, or every call rejects with the reason. */
  async open(): Promise<void> {
    const worker = new Worker(WORKER, {
      workerData: { path: this.#path },
      // Flags of this process (a debugger, --eval) are not the worker's.
      execArgv: [],
    });
    worker.on('message', (response: Response) => this.#receive(response));
    worker.on('error', (error: unknown) => this.#lose(error));
    worker.on('exit', () => this.#lose(undefined));
    this.#worker = worker;
    this.#isUp = true;
    try {
      await this.request({ verb: 'open' });
    } catch (error) {
      this.#isUp = false;
      this.#down = error as Error;
      this.#worker = undefined;
      await worker.terminate();
    }
  }

  /** @throws why the instance is down, or what became of the request, as rejections */
  request(command: Command, transfer: ArrayBuffer[] = []): Promise<Result> {
    const worker = this.#worker;
    if (!this.#isUp || worker === undefined) return Promise.reject(this.#down);
    return this.#ask(worker, command, transfer);
  }

  /** Closes the file, also of an instance that is down. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const closing = this.#ask(worker, { verb: 'close' }, []);
    this.#worker = undefined;
    this.#isUp = false;
    this.#down = new StorageFailedError(`Cannot use ${this.#path}: it is closed`);
    try {
      await closing;
    } finally {
      await worker.terminate();
    }
  }

  #ask(worker: Worker, command: Command, transfer: ArrayBuffer[]): Promise<Result> {
    const id = this.#nextId++;
    const persistedSince = PERSISTING.has(command.verb) ? this.#clock.monotonic() : undefined;
    // The server lives by its sockets: a disk thread keeps the process from ending only while it owes an answer.
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, persistedSince });
      worker.postMessage({ id, command }, transfer);
    });
  }

  #receive(response: Response): void {
    const pending = this.#pending.get(response.id);
    if (pending === undefined) return;
    this.#pending.delete(response.id);
    if (this.#pending.size === 0) this.#worker?.unref();
    if ('result' in response) {
      if (pending.persistedSince !== undefined) {
        this.#latency.add((this.#clock.monotonic() - pending.persistedSince) / 1_000);
      }
      pending.resolve(response.result);
      return;
    }
    const error = errorOf(response.failure, this.#instance, this.#path);
    if (response.isDown && this.#isUp) {
      this.#isUp = false;
      this.#down = error;
    }
    pending.reject(error);
  }

  /** The thread is gone: nobody knows what became of the writes under way. */
  #lose(cause: unknown): void {
    this.#worker = undefined;
    if (this.#isUp) {
      this.#isUp = false;
      this.#down = new StorageFailedError(
        `Cannot use ${this.#path}: its worker thread ended unexpectedly${cause instanceof Error ? ` (${cause.message})` : ''}`,
        { cause },
      );
    }
    for (const pending of this.#pending.values()) pending.reject(this.#down);
    this.#pending.clear();
  }
}
