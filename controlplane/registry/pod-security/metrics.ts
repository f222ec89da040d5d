// How often pod security was asked and what it said, under upstream's name and labels. Pods of namespaces that ask for nothing are not
// counted: they spend nothing here.
import type { Counter, MetricsRegistry } from '#platform/metrics.ts';
import { KUBERNETES_MINOR } from '#platform/kubernetes-version.ts';
import { minorOf } from './policy.ts';
import type { LevelVersion } from './policy.ts';

export interface Evaluation {
  readonly decision: 'allow' | 'deny';
  readonly mode: 'enforce' | 'audit' | 'warn';
  readonly policy: LevelVersion;
  readonly resource: 'pod' | 'controller';
  readonly subresource: string;
  readonly isNew: boolean;
}

export class PodSecurityMetrics {
  readonly #evaluations: Counter;

  constructor(registry: MetricsRegistry) {
    this.#evaluations = registry.counter({
      name: 'pod_security_evaluations_total',
      help: '[STABLE] Number of policy evaluations that occurred, not counting ignored or exempt requests.',
      labelNames: [
        'decision',
        'policy_level',
        'policy_version',
        'mode',
        'request_operation',
        'resource',
        'subresource',
      ],
    });
  }

  evaluated({ decision, mode, policy, resource, subresource, isNew }: Evaluation): void {
    const minor = minorOf(policy);
    // Anybody may ask for any version: those to come are one.
    const isKnown = minor === Infinity || minor <= Number(KUBERNETES_MINOR);
    this.#evaluations.inc({
      decision,
      policy_level: policy.level,
      policy_version: isKnown ? policy.version : 'future',
      mode,
      request_operation: isNew ? 'create' : 'update',
      resource,
      subresource,
    });
  }
}
