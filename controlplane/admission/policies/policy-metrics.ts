// How often policies were evaluated and what they said, under upstream's names and labels.
import type { Counter, Histogram, MetricsRegistry } from '#platform/metrics.ts';

export interface PolicyCheck {
  readonly policy: string;
  readonly binding: string;
  readonly action: 'allow' | 'deny' | 'warn' | 'audit';
  readonly error: 'no_error' | 'cel_evaluation_error' | 'invalid_error';
  readonly seconds: number;
}

/** What came of one mutation of a policy. */
export interface MutationCheck {
  readonly policy: string;
  readonly binding: string;
  /** `no_error`, `compile_error`, `out_of_budget`, `invalid_error` */
  readonly error: string;
  readonly seconds: number;
}

const BUCKETS = [0.000_000_5, 0.001, 0.01, 0.1, 1];

export class PolicyMetrics {
  readonly #checks: Counter;
  readonly #seconds: Histogram;
  readonly #mutations: Counter;
  readonly #mutationSeconds: Histogram;

  constructor(registry: MetricsRegistry) {
    const labelNames = ['policy', 'policy_binding', 'error_type', 'enforcement_action'];
    this.#checks = registry.counter({
      name: 'apiserver_validating_admission_policy_check_total',
      help: '[BETA] Validation admission policy check total, labeled by policy and further identified by binding and enforcement action taken.',
      labelNames,
    });
    this.#seconds = registry.histogram({
      name: 'apiserver_validating_admission_policy_check_duration_seconds',
      help: '[BETA] Validation admission latency for individual validation expressions in seconds, labeled by policy and further including binding and enforcement action taken.',
      labelNames,
      buckets: BUCKETS,
    });
    const mutationLabels = ['policy', 'policy_binding', 'error_type'];
    this.#mutations = registry.counter({
      name: 'apiserver_mutating_admission_policy_check_total',
      help: '[ALPHA] Mutation admission policy check total, labeled by policy and further identified by binding.',
      labelNames: mutationLabels,
    });
    this.#mutationSeconds = registry.histogram({
      name: 'apiserver_mutating_admission_policy_check_duration_seconds',
      help: '[ALPHA] Mutation admission latency for individual mutation expressions in seconds, labeled by policy and binding.',
      labelNames: mutationLabels,
      buckets: BUCKETS,
    });
  }

  checked({ policy, binding, action, error, seconds }: PolicyCheck): void {
    const labels = {
      policy,
      policy_binding: binding,
      error_type: error,
      enforcement_action: action,
    };
    this.#checks.inc(labels);
    this.#seconds.observe(labels, seconds);
  }

  mutated({ policy, binding, error, seconds }: MutationCheck): void {
    const labels = { policy, policy_binding: binding, error_type: error };
    this.#mutations.inc(labels);
    this.#mutationSeconds.observe(labels, seconds);
  }
}
