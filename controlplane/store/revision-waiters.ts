// Requests that wait until the store has reached a revision.
import type { Revision } from './types.ts';

interface Waiter {
  readonly revision: Revision;
  resolve(): void;
}

export class RevisionWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Resolves when the revision is reached, or rejects with the signal's reason. */
  wait(revision: Revision, visible: Revision, signal: AbortSignal): Promise<void> {
    if (visible >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        revision,
        resolve: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  reached(visible: Revision): void {
    for (const waiter of this.#waiters) {
      if (waiter.revision > visible) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
