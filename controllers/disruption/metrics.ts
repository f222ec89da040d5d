// What budgets stand at, under the names that kube-state-metrics gives them and dashboards ask for.
import type { Gauge, MetricsRegistry } from '#platform/metrics.ts';
import type { Counts } from './judge.ts';

export class BudgetMetrics {
  readonly #gauges: readonly (readonly [keyof Counts, Gauge])[];

  constructor(registry: MetricsRegistry) {
    const gauge = (name: string, help: string): Gauge =>
      registry.gauge({
        name: `kube_poddisruptionbudget_status_${name}`,
        help: `[STABLE] ${help}`,
        labelNames: ['namespace', 'poddisruptionbudget'],
      });
    this.#gauges = [
      ['currentHealthy', gauge('current_healthy', 'Current number of healthy pods')],
      ['desiredHealthy', gauge('desired_healthy', 'Minimum desired number of healthy pods')],
      [
        'disruptionsAllowed',
        gauge('pod_disruptions_allowed', 'Number of pod disruptions that are currently allowed'),
      ],
      [
        'expectedPods',
        gauge('expected_pods', 'Total number of pods counted by this disruption budget'),
      ],
    ];
  }

  set(namespace: string, poddisruptionbudget: string, counts: Counts): void {
    for (const [field, gauge] of this.#gauges)
      gauge.set({ namespace, poddisruptionbudget }, counts[field]);
  }

  remove(namespace: string, poddisruptionbudget: string): void {
    for (const [, gauge] of this.#gauges) gauge.remove({ namespace, poddisruptionbudget });
  }
}
