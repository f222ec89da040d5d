// Keeps the controllers' thread running: starts it again with growing delays when it crashes, carries its messages, asks it for its
// metrics. A crash there must not take the API server with it; what it did is picked up by the next start from the API.
import { Worker } from 'node:worker_threads';
import { backoffMs } from '#platform/backoff.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

export interface SupervisedThreadOptions {
  /** Module of the thread. */
  readonly script: URL;
  readonly data: ThreadData;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onMessage: (message: FromThread) => void;
  /** Takes what the thread writes to standard error, in place of that. */
  readonly onError?: ((text: string) => void) | undefined;
}

const RESTART = { initialMs: 1_000, maximumMs: 30_000 };
/** A thread that ran this long starts again without the delays of earlier crashes. */
const STEADY_MS = 60_000;
/** A scrape goes on without the thread's part after this time. */
const METRICS_TIMEOUT_MS = 2_000;

export class SupervisedThread {
  readonly #options: SupervisedThreadOptions;
  readonly #started = Promise.withResolvers<void>();
  readonly #pending = new Map<number, (text: string) => void>();
  readonly #stopping = new AbortController();
  #data: ThreadData;
  #worker: Worker | undefined;
  #nextId = 1;
  #hasStarted = false;
  #isRestarting = false;

  constructor(options: SupervisedThreadOptions) {
    this.#options = options;
    this.#data = options.data;
  }

  /** Starts and keeps it running. Resolves when it runs for the first time; rejects with the message of what could not start. */
  async start(): Promise<void> {
    void this.#supervise();
    return this.#started.promise;
  }

  /** Exposition text of the thread's metrics; empty when it does not answer. */
  metrics(): Promise<string> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.resolve('');
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const done = (text: string): void => {
        cancel();
        this.#pending.delete(id);
        resolve(text);
      };
      const cancel = this.#options.clock.schedule(METRICS_TIMEOUT_MS, () => done(''));
      this.#pending.set(id, done);
      worker.postMessage({ type: 'metrics', id } satisfies ToThread);
    });
  }

  /** Stops it as {@link stop} does, instances go on, and starts it at once: for what it reads only at its start. */
  async restart(): Promise<void> {
    if (this.#stopping.signal.aborted || !this.#hasStarted) return;
    this.#isRestarting = true;
    await this.#end(false);
  }

  /** Asks it to stop and waits until it has. Never rejects; the caller sets the deadline. */
  async stop(stopContainers: boolean): Promise<void> {
    this.#stopping.abort(new Error('stopping'));
    await this.#end(stopContainers);
  }

  async #end(stopContainers: boolean): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
      worker.on('message', (message: FromThread) => {
        // Whatever it still holds open is of no use any more.
        if (message.type === 'stopped') void worker.terminate();
      });
    });
    worker.postMessage({ type: 'stop', stopContainers } satisfies ToThread);
    await exited;
  }

  async #supervise(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    let crashes = 0;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      const why = await this.#runOnce();
      if (signal.aborted) return;
      if (this.#isRestarting) {
        this.#isRestarting = false;
        // What was applied at the start was changed by people since.
        const { manifests } = this.#data;
        if (manifests !== undefined)
          this.#data = { ...this.#data, manifests: { ...manifests, isApplied: true } };
        continue;
      }
      if (!this.#hasStarted) {
        // What could not start at all is for the user to mend; only what ran is started again.
        this.#started.reject(new Error(why));
        return;
      }
      crashes = clock.monotonic() - startedAt > STEADY_MS ? 0 : crashes;
      const delayMs = backoffMs(crashes, RESTART, 0);
      crashes += 1;
      logger.error('The thread of controllers and agent ended, starting it again', {
        why,
        delayMs,
      });
      await sleep(clock, delayMs, signal).catch(() => undefined);
    }
  }

  /** Resolves with the reason of its end. */
  #runOnce(): Promise<string> {
    const { script, onError } = this.#options;
    const worker = new Worker(script, { workerData: this.#data, stderr: onError !== undefined });
    if (onError !== undefined) worker.stderr.setEncoding('utf8').on('data', onError);
    this.#worker = worker;
    return new Promise((resolve) => {
      let why: string | undefined;
      worker.on('message', (message: FromThread) => {
        if (message.type === 'failed') {
          why = message.message;
          void worker.terminate();
        } else this.#onMessage(message);
      });
      worker.on('error', (error: unknown) => {
        why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      });
      worker.on('exit', (code) => {
        this.#worker = undefined;
        for (const done of this.#pending.values()) done('');
        resolve(why ?? `it exited with code ${code}`);
      });
    });
  }

  #onMessage(message: FromThread): void {
    if (message.type === 'metrics') this.#pending.get(message.id)?.(message.text);
    else if (message.type === 'started') {
      this.#hasStarted = true;
      this.#started.resolve();
    }
    this.#options.onMessage(message);
  }
}
