// At most so many at a time, without batches: as soon as one ends, the next begins.

export class SlidingWindow {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  /** @param limit 0: no limit */
  constructor(limit: number) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  }

  /** In the order of the calls. Rejects with the signal's reason when that aborts before its turn. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      signal.throwIfAborted();
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
