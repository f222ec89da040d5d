// A load of so many requests a second, whatever the answers do: sent from a thread of its own at times that were fixed beforehand, so
// that a stall of the server, or of the test, is seen as late answers and not as fewer requests.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LoadMessage, LoadResult, RateLoadOptions } from './load-result.ts';

export class RateLoad {
  readonly #worker: Worker;
  readonly #result: Promise<LoadResult>;
  #sent = 0;
  #failed = 0;

  constructor(options: RateLoadOptions) {
    this.#worker = new Worker(new URL('./rate-load-worker.ts', import.meta.url), {
      workerData: options,
    });
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
    this.#result = promise;
    this.#worker.on('message', (message: LoadMessage) => {
      if (message.type === 'result') resolve(message.result);
      else [this.#sent, this.#failed] = [message.sent, message.failed];
    });
    this.#worker.on('error', reject);
  }

  get sent(): number {
    return this.#sent;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Sends what is missing to `atLeast`, waits for all answers, and ends the thread. */
  async finish(): Promise<LoadResult> {
    this.#worker.postMessage('finish');
    const result = await this.#result;
    await this.stop();
    return result;
  }

  async stop(): Promise<void> {
    const exited = once(this.#worker, 'exit');
    if (this.#worker.threadId === -1) return;
    await this.#worker.terminate();
    await exited.catch(() => undefined);
  }
}
