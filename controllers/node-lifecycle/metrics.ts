// What the node life cycle counts, under upstream's names where upstream has the same thing.
import type { Counter, Gauge, MetricsRegistry } from '#platform/metrics.ts';
import type { Zone } from './zones.ts';

export class LifecycleMetrics {
  readonly podDeletions: Counter;
  readonly #nodesGivenUp: Counter;
  readonly #size: Gauge;
  readonly #unready: Gauge;
  readonly #health: Gauge;
  readonly #kept: Gauge;
  #zones: readonly string[] = [];

  constructor(registry: MetricsRegistry) {
    const gauge = (name: string, help: string): Gauge =>
      registry.gauge({ name: `node_collector_${name}`, help, labelNames: ['zone'] });
    this.#size = gauge(
      'zone_size',
      '[ALPHA] Gauge measuring number of registered Nodes per zones.',
    );
    this.#unready = gauge(
      'unhealthy_nodes_in_zone',
      '[ALPHA] Gauge measuring number of not Ready Nodes per zones.',
    );
    this.#health = gauge(
      'zone_health',
      '[ALPHA] Gauge measuring percentage of healthy nodes per zone.',
    );
    this.#nodesGivenUp = registry.counter({
      name: 'node_collector_evictions_total',
      help: '[STABLE] Number of Node evictions that happened since current instance of NodeController started.',
      labelNames: ['zone'],
    });
    this.podDeletions = registry.counter({
      name: 'taint_eviction_controller_pod_deletions_total',
      help: '[ALPHA] Total number of Pods deleted by TaintEvictionController since its start.',
    });
    this.#kept = registry.gauge({
      name: 'windlass_node_lifecycle_kept_pods',
      help: '[ALPHA] Pods that stay on a node that does not answer because their volumes are there.',
      labelNames: ['node'],
    });
    this.podDeletions.inc({}, 0);
  }

  zones(zones: ReadonlyMap<string, Zone>): void {
    for (const zone of this.#zones.filter((name) => !zones.has(name)))
      for (const gauge of [this.#size, this.#unready, this.#health]) gauge.remove({ zone });
    this.#zones = [...zones.keys()];
    for (const [zone, { size, unready }] of zones) {
      this.#size.set({ zone }, size);
      this.#unready.set({ zone }, unready);
      this.#health.set({ zone }, (100 * (size - unready)) / size);
    }
  }

  givenUp(zone: string): void {
    this.#nodesGivenUp.inc({ zone });
  }

  kept(node: string, count: number): void {
    if (count === 0) this.#kept.remove({ node });
    else this.#kept.set({ node }, count);
  }
}
