// The health checks as metrics, at /metrics/slis: a page of its own, as upstream has it, so that it may be scraped more often. Each check
// is asked when the page is, so that it is there without anybody who probes.
import { MetricsRegistry } from '#platform/metrics.ts';
import type { Counter, Gauge } from '#platform/metrics.ts';

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz';

export class HealthMetrics {
  readonly registry = new MetricsRegistry();
  readonly #state: Gauge;
  readonly #total: Counter;

  constructor() {
    this.#state = this.registry.gauge({
      name: 'kubernetes_healthcheck',
      help: '[STABLE] This metric records the result of a single healthcheck.',
      labelNames: ['name', 'type'],
    });
    this.#total = this.registry.counter({
      name: 'kubernetes_healthchecks_total',
      help: '[STABLE] This metric records the results of all healthcheck.',
      labelNames: ['name', 'type', 'status'],
    });
  }

  checked(name: string, type: HealthEndpoint, isFine: boolean): void {
    this.#state.set({ name, type }, isFine ? 1 : 0);
    this.#total.inc({ name, type, status: isFine ? 'success' : 'error' });
  }
}
