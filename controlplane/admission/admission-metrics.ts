// How long admission takes and what it says, under upstream's names, labels and buckets (k8s.io/apiserver admission/metrics). Writes
// that nobody is asked about are not observed: they spend nothing here.
import type { Counter, Histogram, MetricsRegistry } from '#platform/metrics.ts';

export type StepType = 'admit' | 'validate';

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const WEBHOOK_BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
/** Codes are labels: beyond this one they are all the same. */
const HIGHEST_CODE = 600;

/** Of a call: what came of it. */
export interface WebhookOutcome {
  readonly name: string;
  readonly type: StepType;
  readonly operation: string;
  readonly seconds: number;
  readonly rejected: boolean;
  /** 0: there was no answer. */
  readonly code: number;
}

export type RejectionCause = 'no_error' | 'calling_webhook_error' | 'apiserver_internal_error';

export class AdmissionMetrics {
  readonly #steps: Histogram;
  readonly #webhooks: Histogram;
  readonly #requests: Counter;
  readonly #rejections: Counter;
  readonly #failOpen: Counter;
  readonly #exclusions: Counter;

  constructor(registry: MetricsRegistry) {
    this.#steps = registry.histogram({
      name: 'apiserver_admission_step_admission_duration_seconds',
      help: '[STABLE] Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).',
      labelNames: ['type', 'operation', 'rejected'],
      buckets: BUCKETS,
    });
    this.#webhooks = registry.histogram({
      name: 'apiserver_admission_webhook_admission_duration_seconds',
      help: '[STABLE] Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
      labelNames: ['name', 'type', 'operation', 'rejected'],
      buckets: WEBHOOK_BUCKETS,
    });
    this.#requests = registry.counter({
      name: 'apiserver_admission_webhook_request_total',
      help: '[ALPHA] Admission webhook request total, identified by name and broken out for each admission type (validating or mutating) and operation. Additional labels specify whether the request was rejected or not and an HTTP status code.',
      labelNames: ['name', 'type', 'operation', 'code', 'rejected'],
    });
    this.#rejections = registry.counter({
      name: 'apiserver_admission_webhook_rejection_count',
      help: '[ALPHA] Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the request with an HTTP status code.',
      labelNames: ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    });
    this.#failOpen = registry.counter({
      name: 'apiserver_admission_webhook_fail_open_count',
      help: '[ALPHA] Admission webhook fail open count, identified by name and broken out for each admission type (validating or mutating).',
      labelNames: ['name', 'type'],
    });
    this.#exclusions = registry.counter({
      name: 'apiserver_admission_match_condition_exclusions_total',
      help: '[ALPHA] Admission match condition evaluation exclusions count, identified by name of resource containing the match condition and broken out for each kind containing matchConditions (webhook or policy), operation and admission type (validate or admit).',
      labelNames: ['name', 'kind', 'type', 'operation'],
    });
  }

  step(type: StepType, operation: string, seconds: number, rejected: boolean): void {
    this.#steps.observe({ type, operation, rejected: String(rejected) }, seconds);
  }

  called({ name, type, operation, seconds, rejected, code }: WebhookOutcome): void {
    const labels = { name, type, operation, rejected: String(rejected) };
    this.#webhooks.observe(labels, seconds);
    this.#requests.inc({ ...labels, code: String(Math.min(code, HIGHEST_CODE)) });
  }

  rejected(
    { name, type, operation, code }: Omit<WebhookOutcome, 'seconds' | 'rejected'>,
    cause: RejectionCause,
  ): void {
    const rejection_code = String(Math.min(code, HIGHEST_CODE));
    this.#rejections.inc({ name, type, operation, error_type: cause, rejection_code });
  }

  failedOpen(name: string, type: StepType): void {
    this.#failOpen.inc({ name, type });
  }

  excluded(name: string, kind: 'webhook' | 'policy', type: StepType, operation: string): void {
    this.#exclusions.inc({ name, kind, type, operation });
  }
}
