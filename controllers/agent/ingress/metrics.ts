// What ingress counts. Labels are Services that have one and closed sets: as many series as there are such Services, whatever
// clients send.
import type { MetricsRegistry } from '#platform/metrics.ts';
import type { Route } from './entry.ts';

export type FailureReason = 'connect' | 'timeout' | 'broken' | 'invalid' | 'unavailable';
export type ConnectionProtocol = 'TCP' | 'HTTP' | 'TLS' | 'UDP';

export interface IngressMetrics {
  /** @param status 0: the client left before the answer was complete. @param seconds absent for what is no request with an end of its own */
  answered(route: Route | undefined, status: number, seconds?: number): void;
  retried(route: Route): void;
  failed(route: Route, reason: FailureReason): void;
  /** @param change +1 or -1 */
  connections(protocol: ConnectionProtocol, change: number): void;
  dropped(protocol: ConnectionProtocol): void;
}

function labelsOf(route: Route | undefined): { namespace: string; service: string } {
  return { namespace: route?.namespace ?? '', service: route?.name ?? '' };
}

export function ingressMetrics(registry: MetricsRegistry): IngressMetrics {
  const requests = registry.counter({
    name: 'windlass_ingress_requests_total',
    help: '[ALPHA] Requests that HTTP ingress answered, by class of status; "canceled" when the client left first, no service when no route fits.',
    labelNames: ['namespace', 'service', 'code'],
  });
  const duration = registry.histogram({
    name: 'windlass_ingress_request_duration_seconds',
    help: '[ALPHA] From the head of a request to the end of its answer.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  });
  const retries = registry.counter({
    name: 'windlass_ingress_retries_total',
    help: '[ALPHA] Requests that went to another instance because the first one did not take them.',
    labelNames: ['namespace', 'service'],
  });
  const errors = registry.counter({
    name: 'windlass_ingress_upstream_errors_total',
    help: '[ALPHA] Failures to get an answer from an instance, by reason.',
    labelNames: ['namespace', 'service', 'reason'],
  });
  const open = registry.gauge({
    name: 'windlass_ingress_connections',
    help: '[ALPHA] Open connections of clients; for UDP their sessions.',
    labelNames: ['protocol'],
  });
  const accepted = registry.counter({
    name: 'windlass_ingress_connections_total',
    help: '[ALPHA] Connections that clients opened.',
    labelNames: ['protocol'],
  });
  const dropped = registry.counter({
    name: 'windlass_ingress_connections_dropped_total',
    help: '[ALPHA] Connections turned away because too many were open.',
    labelNames: ['protocol'],
  });
  return {
    answered(route, status, seconds) {
      const code = status === 0 ? 'canceled' : `${Math.floor(status / 100)}xx`;
      requests.inc({ ...labelsOf(route), code });
      if (seconds !== undefined) duration.observe({}, seconds);
    },
    retried: (route) => retries.inc(labelsOf(route)),
    failed: (route, reason) => errors.inc({ ...labelsOf(route), reason }),
    connections(protocol, change) {
      if (change > 0) {
        open.inc({ protocol });
        accepted.inc({ protocol });
      } else open.dec({ protocol });
    },
    dropped: (protocol) => dropped.inc({ protocol }),
  };
}
