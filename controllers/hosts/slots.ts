// A limit on how many things happen at once. Whoever waits is served in order, as soon as one of those before ends: a sliding window,
// no batches.

export class Slots {
  #limit: number;
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  /** @param limit a whole number from 1; 0 stands for no limit */
  constructor(limit: number) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  }

  /** What runs already goes on; whoever waits is let in as far as there is room now. */
  setLimit(limit: number): void {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    while (this.#active < this.#limit && this.#waiting.length > 0) this.#waiting.shift()?.();
  }

  /** Runs `work` in a slot. Rejects with the signal's reason when that aborts before there is one. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#active -= 1;
      this.#next();
    }
  }

  /** Runs `work` where there is a free slot now; undefined: there is none. */
  async tryRun<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#active >= this.#limit) return undefined;
    this.#active += 1;
    try {
      return await work();
    } finally {
      this.#active -= 1;
      this.#next();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#active >= this.#limit) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason as Error);
      };
      const begin = (): void => {
        signal.removeEventListener('abort', onAbort);
        // Taken here, so that nobody who asks in between comes first.
        this.#active += 1;
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(begin);
      return promise;
    }
    this.#active += 1;
  }

  #next(): void {
    if (this.#active < this.#limit) this.#waiting.shift()?.();
  }
}
