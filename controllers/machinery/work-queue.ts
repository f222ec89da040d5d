// Keys waiting to be worked on. A key waits at most once, is worked on by at most one worker, and comes back when it was added
// meanwhile. Failures return with growing delays. After client-go's workqueue.
import { backoffMs } from '#platform/backoff.ts';
import type { Clock } from '#platform/clock.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { workQueueMetrics } from './work-queue-metrics.ts';
import type { WorkQueueMetrics } from './work-queue-metrics.ts';

export interface WorkQueueOptions {
  /** Label of its metrics: the controller's name. */
  readonly name: string;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

/** 5 ms to 60 s: a conflict is retried at once, a lasting failure costs one attempt a minute. */
const RETRY = { initialMs: 5, maximumMs: 60_000, jitter: 0.2 };

interface Delayed {
  readonly at: number;
  readonly cancel: () => void;
}

export class WorkQueue {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #metrics: WorkQueueMetrics;
  /** Waiting, in order of arrival, with the time of arrival. */
  readonly #waiting = new Map<string, number>();
  /** Being worked on, since when. */
  readonly #running = new Map<string, number>();
  /** Added while being worked on. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #takers: Taker[] = [];
  /** What workers wait with, listened to once until it aborts: a listener for each wait costs more than all else about it. */
  readonly #signals = new WeakSet<AbortSignal>();

  constructor(options: WorkQueueOptions) {
    this.#name = options.name;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#metrics = workQueueMetrics(options.metrics);
    this.#metrics.register({
      name: options.name,
      depth: () => this.depth,
      runningSeconds: () => {
        const now = this.#clock.monotonic();
        return [...this.#running.values()].map((since) => (now - since) / 1000);
      },
    });
  }

  /** Keys waiting, without delayed ones. */
  get depth(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#waiting.has(key) || this.#again.has(key)) return;
    this.#metrics.adds.inc({ name: this.#name });
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#enqueue(key);
  }

  /** Adds after a delay; of several delays for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.monotonic() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined && earlier.at <= at) return;
    earlier?.cancel();
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, cancel });
  }

  /** Adds after a delay that doubles with each failure until forget(). */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.retries.inc({ name: this.#name });
    this.addAfter(key, backoffMs(failures, RETRY, this.#random()));
  }

  /** The key was worked on well: its next failure starts at the shortest delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often the key has failed in a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Takes the next key, waiting for one. Rejects with the signal's reason. Call done() afterwards. */
  async take(signal: AbortSignal): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const next = this.#waiting.entries().next();
      if (next.done !== true) {
        const [key, since] = next.value;
        const now = this.#clock.monotonic();
        this.#waiting.delete(key);
        this.#running.set(key, now);
        this.#metrics.queueDuration.observe({ name: this.#name }, (now - since) / 1000);
        return key;
      }
      await this.#arrival(signal);
    }
  }

  /** Ends the work on a key that take() gave. */
  done(key: string): void {
    const since = this.#running.get(key);
    if (since === undefined) return;
    this.#running.delete(key);
    const seconds = (this.#clock.monotonic() - since) / 1000;
    this.#metrics.workDuration.observe({ name: this.#name }, seconds);
    if (this.#again.delete(key)) this.#enqueue(key);
  }

  /** Forgets delayed keys and their timers. */
  close(): void {
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
  }

  #enqueue(key: string): void {
    this.#waiting.set(key, this.#clock.monotonic());
    this.#takers.shift()?.resolve();
  }

  #arrival(signal: AbortSignal): Promise<void> {
    this.#follow(signal);
    return new Promise((resolve, reject) => {
      this.#takers.push({ signal, resolve, reject });
    });
  }

  #follow(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return;
    this.#signals.add(signal);
    const onAbort = (): void => {
      const gone = this.#takers.filter((taker) => taker.signal === signal);
      this.#takers = this.#takers.filter((taker) => taker.signal !== signal);
      for (const taker of gone) taker.reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  }
}

/** Waits for a key. */
interface Taker {
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}
