// Objects that one of the server's own controllers has to look at again: each at most once at a time, one after another, never within
// the store's own round.
import type { Logger } from '#platform/logging.ts';

import { ApiError } from '../api/errors.ts';

export interface DueQueueOptions {
  /** Looks at one object and writes what is missing. A 404 or 409 is no failure: the change behind it is an event of its own. */
  readonly settle: (key: string) => Promise<void>;
  readonly logger: Logger;
  /** What the log says, as a warning with `object` and `error`, when an object stays as it is. */
  readonly failure: string;
}

export class DueQueue {
  readonly #options: DueQueueOptions;
  readonly #closing = new AbortController();
  readonly #due = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: DueQueueOptions) {
    this.#options = options;
  }

  /** For the writes of `settle`; aborts with {@link close}. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** @param keys as `settle` gets them: a name, or `namespace/name` */
  add(keys: readonly string[]): void {
    for (const key of keys) this.#due.add(key);
    if (this.#due.size === 0 || this.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.add([]);
    });
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the control plane is stopping'));
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    for (const key of this.#due) {
      this.#due.delete(key);
      if (this.signal.aborted) return;
      try {
        await this.#options.settle(key);
      } catch (error) {
        if (this.signal.aborted) return;
        if (error instanceof ApiError && (error.code === 404 || error.code === 409)) continue;
        this.#options.logger.warn(this.#options.failure, { object: key, error });
      }
    }
  }
}
