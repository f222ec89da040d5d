// workqueue_* under client-go's names, for all queues of one registry.
import type { Counter, Histogram, MetricsRegistry } from '#platform/metrics.ts';

/** What a queue can tell about itself at the moment of a scrape. */
export interface QueueSnapshot {
  readonly name: string;
  /** Keys waiting. */
  depth(): number;
  /** Seconds that each key being worked on has taken so far. */
  runningSeconds(): readonly number[];
}

export interface WorkQueueMetrics {
  readonly adds: Counter;
  readonly retries: Counter;
  readonly queueDuration: Histogram;
  readonly workDuration: Histogram;
  /** Includes the queue in what is measured at each scrape. */
  register(queue: QueueSnapshot): void;
}

/** 10 ns to 1000 s in powers of ten, as client-go. */
const DURATION_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

const known = new WeakMap<MetricsRegistry, WorkQueueMetrics>();

export function workQueueMetrics(registry: MetricsRegistry): WorkQueueMetrics {
  const existing = known.get(registry);
  if (existing !== undefined) return existing;
  const queues: QueueSnapshot[] = [];
  const labelNames = ['name'];
  registry.gauge({
    name: 'workqueue_unfinished_work_seconds',
    help: '[ALPHA] Seconds of work in progress that workqueue_work_duration_seconds has not seen yet.',
    labelNames,
    collect: (gauge) => {
      for (const queue of queues) {
        gauge.set(
          { name: queue.name },
          queue.runningSeconds().reduce((sum, value) => sum + value, 0),
        );
      }
    },
  });
  registry.gauge({
    name: 'workqueue_depth',
    help: '[ALPHA] Keys waiting for a worker.',
    labelNames,
    collect: (gauge) => {
      for (const queue of queues) gauge.set({ name: queue.name }, queue.depth());
    },
  });
  registry.gauge({
    name: 'workqueue_longest_running_processor_seconds',
    help: '[ALPHA] Seconds that the longest running worker has spent on its key.',
    labelNames,
    collect: (gauge) => {
      for (const queue of queues) {
        gauge.set({ name: queue.name }, Math.max(0, ...queue.runningSeconds()));
      }
    },
  });
  const made: WorkQueueMetrics = {
    adds: registry.counter({
      name: 'workqueue_adds_total',
      help: '[ALPHA] Keys added.',
      labelNames,
    }),
    retries: registry.counter({
      name: 'workqueue_retries_total',
      help: '[ALPHA] Keys added again after a failure.',
      labelNames,
    }),
    queueDuration: registry.histogram({
      name: 'workqueue_queue_duration_seconds',
      help: '[ALPHA] Seconds that a key waited for a worker.',
      labelNames,
      buckets: DURATION_BUCKETS,
    }),
    workDuration: registry.histogram({
      name: 'workqueue_work_duration_seconds',
      help: '[ALPHA] Seconds that working on a key took.',
      labelNames,
      buckets: DURATION_BUCKETS,
    }),
    register(queue) {
      queues.push(queue);
      made.adds.inc({ name: queue.name }, 0);
      made.retries.inc({ name: queue.name }, 0);
    },
  };
  known.set(registry, made);
  return made;
}
