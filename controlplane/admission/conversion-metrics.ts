// How long conversion webhooks take and what comes of it, under upstream's names, labels and buckets (k8s.io/apiextensions-apiserver
// conversion/metrics).
import type { Counter, Histogram, MetricsRegistry } from '#platform/metrics.ts';

import type { ConversionFailure } from '../api/conversion-review.ts';

const REQUEST_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];
const BUCKETS = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at);

export interface ConversionOutcome {
  /** Name of the CustomResourceDefinition. */
  readonly definition: string;
  readonly fromVersion: string;
  readonly toVersion: string;
  readonly seconds: number;
  /** Absent: converted. */
  readonly failure: ConversionFailure | undefined;
}

export class ConversionMetrics {
  readonly #requests: Counter;
  readonly #requestSeconds: Histogram;
  readonly #seconds: Histogram;

  constructor(registry: MetricsRegistry) {
    this.#requests = registry.counter({
      name: 'apiserver_conversion_webhook_request_total',
      help: '[ALPHA] Counter for conversion webhook requests with success/failure and failure error type',
      labelNames: ['result', 'failure_type'],
    });
    this.#requestSeconds = registry.histogram({
      name: 'apiserver_conversion_webhook_duration_seconds',
      help: '[ALPHA] Conversion webhook request latency',
      labelNames: ['result', 'failure_type'],
      buckets: REQUEST_BUCKETS,
    });
    this.#seconds = registry.histogram({
      name: 'apiserver_crd_conversion_webhook_duration_seconds',
      help: '[ALPHA] CRD webhook conversion duration in seconds',
      labelNames: ['crd_name', 'from_version', 'to_version', 'succeeded'],
      buckets: BUCKETS,
    });
  }

  called({ definition, fromVersion, toVersion, seconds, failure }: ConversionOutcome): void {
    const result = failure === undefined ? 'success' : 'failure';
    const labels = { result, failure_type: failure ?? '' };
    this.#requests.inc(labels);
    this.#requestSeconds.observe(labels, seconds);
    const versions = { crd_name: definition, from_version: fromVersion, to_version: toVersion };
    this.#seconds.observe({ ...versions, succeeded: String(failure === undefined) }, seconds);
  }
}
