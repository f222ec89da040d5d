// What names count.
import type { Counter, Gauge, MetricsRegistry } from '#platform/metrics.ts';

export interface NameMetrics {
  readonly queries: Counter;
  readonly connections: Gauge;
  readonly failures: Counter;
}

export function nameMetrics(registry: MetricsRegistry): NameMetrics {
  return {
    queries: registry.counter({
      name: 'windlass_dns_queries_total',
      help: '[ALPHA] DNS queries of instances, by what became of them',
      labelNames: ['result'],
    }),
    connections: registry.gauge({
      name: 'windlass_name_open_connections',
      help: '[ALPHA] Connections to services by their names that are being forwarded',
    }),
    failures: registry.counter({
      name: 'windlass_name_connect_failures_total',
      help: '[ALPHA] Instances that did not take a connection to a service by its name',
      labelNames: ['namespace', 'service'],
    }),
  };
}
