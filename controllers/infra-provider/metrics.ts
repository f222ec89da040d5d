// What providers stand at.
import type { Gauge, MetricsRegistry } from '#platform/metrics.ts';
import { isConditionTrue } from '../machinery/conditions.ts';
import type { InfraProviderStatus } from './types.ts';

export class ProviderMetrics {
  readonly #available: Gauge;
  readonly #nodes: Gauge;
  readonly #orphans: Gauge;

  constructor(registry: MetricsRegistry) {
    const gauge = (name: string, help: string): Gauge =>
      registry.gauge({
        name: `windlass_infra_provider_${name}`,
        help: `[ALPHA] ${help}`,
        labelNames: ['namespace', 'infraprovider'],
      });
    this.#available = gauge('available', 'Whether the infrastructure answered when last asked');
    this.#nodes = gauge('nodes', 'Nodes that the infrastructure listed');
    this.#orphans = gauge('orphans', 'Nodes with our labels whose Cluster is not there');
  }

  set(namespace: string, infraprovider: string, status: InfraProviderStatus): void {
    const labels = { namespace, infraprovider };
    this.#available.set(labels, isConditionTrue(status.conditions, 'Available') ? 1 : 0);
    const nodes = (status.clusters ?? []).reduce((sum, { nodesTotal }) => sum + nodesTotal, 0);
    this.#nodes.set(labels, nodes);
    this.#orphans.set(labels, status.orphans?.length ?? 0);
  }

  remove(namespace: string, infraprovider: string): void {
    for (const gauge of [this.#available, this.#nodes, this.#orphans])
      gauge.remove({ namespace, infraprovider });
  }
}
