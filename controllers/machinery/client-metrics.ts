// rest_client_* under client-go's names. One set of families per registry, however many clients a thread has.
import type { Counter, Histogram, MetricsRegistry } from '#platform/metrics.ts';

export interface ClientMetrics {
  /** @param code HTTP status, or `<error>` when there was no answer (as client-go) */
  observe(method: string, host: string, code: string, seconds: number): void;
}

const families = new WeakMap<MetricsRegistry, { requests: Counter; duration: Histogram }>();

export function clientMetrics(registry: MetricsRegistry): ClientMetrics {
  let family = families.get(registry);
  if (family === undefined) {
    family = {
      requests: registry.counter({
        name: 'rest_client_requests_total',
        help: '[ALPHA] Number of HTTP requests, by status code, method and host.',
        labelNames: ['code', 'method', 'host'],
      }),
      duration: registry.histogram({
        name: 'rest_client_request_duration_seconds',
        help: '[ALPHA] Request latency in seconds, by method and host; of a watch, until its first byte.',
        labelNames: ['verb', 'host'],
        buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
      }),
    };
    families.set(registry, family);
  }
  const { requests, duration } = family;
  return {
    observe(method, host, code, seconds) {
      requests.inc({ code, method, host });
      duration.observe({ verb: method, host }, seconds);
    },
  };
}
