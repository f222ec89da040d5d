// The loop that every controller shares: take a key, reconcile it, and let the outcome decide when it comes back. Reconcilers are
// level-triggered: they get a key, never an event, and must do the right thing however often and late they are called.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { controllerMetrics } from './controller-metrics.ts';
import type { ControllerMetrics } from './controller-metrics.ts';
import { isConflict, isNamespaceTerminating, isNotFound } from './request-error.ts';
import { WorkQueue } from './work-queue.ts';

export type ReconcileResult =
  | { readonly outcome: 'done' }
  /** Look again after so long even if nothing changes. */
  | { readonly outcome: 'requeueAfter'; readonly delayMs: number };

export const DONE: ReconcileResult = { outcome: 'done' };

/** `key` is `namespace/name` or `name`. A rejection means: try again later. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult>;

/** Something whose first content a controller waits for before it works. */
export interface Syncable {
  synced(signal: AbortSignal): Promise<void>;
}

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  /** Not a key is worked on before all of these know what there is. */
  readonly waitFor: readonly Syncable[];
  /** Keys worked on at the same time; 1 by default. */
  readonly concurrency?: number;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly logger: Logger;
  readonly random: () => number;
}

export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #metrics: ControllerMetrics;
  readonly #logger: Logger;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.queue = new WorkQueue(options);
    this.#options = options;
    this.#metrics = controllerMetrics(options.metrics);
    this.#logger = options.logger.child({ controller: options.name });
  }

  /** Works until the signal aborts, then finishes nothing more than the keys in hand, and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all(this.#options.waitFor.map((syncable) => syncable.synced(signal)));
      const workers = Array.from({ length: this.#options.concurrency ?? 1 }, () =>
        this.#work(signal),
      );
      await Promise.all(workers);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.queue.close();
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const key = await this.queue.take(signal);
      try {
        await this.#reconcile(key, signal);
      } finally {
        this.queue.done(key);
      }
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { clock, reconcile } = this.#options;
    const started = clock.monotonic();
    const seconds = (): number => (clock.monotonic() - started) / 1000;
    try {
      const result = await reconcile(key, signal);
      this.queue.forget(key);
      if (result.outcome === 'requeueAfter') this.queue.addAfter(key, result.delayMs);
      this.#metrics.observe(
        this.name,
        result.outcome === 'done' ? 'success' : 'requeue_after',
        seconds(),
      );
    } catch (error) {
      if (signal.aborted) return;
      this.queue.addRateLimited(key);
      this.#metrics.observe(this.name, 'error', seconds());
      this.#report(key, error);
    }
  }

  #report(key: string, error: unknown): void {
    const fields = { object: key, failures: this.queue.failures(key), error };
    // Somebody else was faster: the cache shows it in a moment and the retry acts on that.
    if (isConflict(error) || isNotFound(error) || isNamespaceTerminating(error))
      this.#logger.debug('Reconcile was overtaken', fields);
    else this.#logger.warn('Cannot reconcile, trying again', fields);
  }
}
