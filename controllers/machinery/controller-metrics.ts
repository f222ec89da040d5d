// controller_runtime_* under controller-runtime's names, so that dashboards for operators show ours too.
import type { Counter, Histogram, MetricsRegistry } from '#platform/metrics.ts';

export type ReconcileOutcome = 'success' | 'requeue_after' | 'error';

export interface ControllerMetrics {
  observe(controller: string, outcome: ReconcileOutcome, seconds: number): void;
}

const known = new WeakMap<
  MetricsRegistry,
  { total: Counter; errors: Counter; duration: Histogram }
>();

export function controllerMetrics(registry: MetricsRegistry): ControllerMetrics {
  let family = known.get(registry);
  if (family === undefined) {
    family = {
      total: registry.counter({
        name: 'controller_runtime_reconcile_total',
        help: '[ALPHA] Reconciliations, by controller and result.',
        labelNames: ['controller', 'result'],
      }),
      errors: registry.counter({
        name: 'controller_runtime_reconcile_errors_total',
        help: '[ALPHA] Reconciliations that failed, by controller.',
        labelNames: ['controller'],
      }),
      duration: registry.histogram({
        name: 'controller_runtime_reconcile_time_seconds',
        help: '[ALPHA] Seconds that a reconciliation took, by controller.',
        labelNames: ['controller'],
        buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      }),
    };
    known.set(registry, family);
  }
  const { total, errors, duration } = family;
  return {
    observe(controller, outcome, seconds) {
      total.inc({ controller, result: outcome });
      if (outcome === 'error') errors.inc({ controller });
      duration.observe({ controller }, seconds);
    },
  };
}
