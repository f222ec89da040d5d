// What the proxies between machines count.
import type { Counter, Gauge, MetricsRegistry } from '#platform/metrics.ts';

export interface PeerMetrics {
  readonly up: Gauge;
  readonly linkFailures: Counter;
  readonly connections: Counter;
  readonly open: Gauge;
}

export function peerMetrics(registry: MetricsRegistry): PeerMetrics {
  return {
    up: registry.gauge({
      name: 'windlass_peer_up',
      help: '[ALPHA] Whether the agent of another node can be reached (1) or not (0)',
      labelNames: ['peer'],
    }),
    linkFailures: registry.counter({
      name: 'windlass_peer_link_failures_total',
      help: '[ALPHA] Links to other agents that were lost or could not be opened',
      labelNames: ['peer'],
    }),
    connections: registry.counter({
      name: 'windlass_peer_connections_total',
      help: '[ALPHA] Connections forwarded to (out) or for (in) other nodes, by result',
      labelNames: ['direction', 'result'],
    }),
    open: registry.gauge({
      name: 'windlass_peer_open_connections',
      help: '[ALPHA] Connections of other nodes that are being forwarded to instances of this one',
    }),
  };
}
