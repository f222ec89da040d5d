// What services stand at, read from what the controller knows when somebody asks, and how their rollouts ended.
import type { Counter, MetricsRegistry } from '#platform/metrics.ts';
import type { CacheChange, CacheView } from '../machinery/cache.ts';
import type { Service, ServiceStatus } from './types.ts';

const LABELS = ['namespace', 'service'];
const COUNTS = [
  ['desired', 'desiredReplicas', 'Instances that a service should have'],
  ['ready', 'readyReplicas', 'Instances that are ready'],
  ['available', 'availableReplicas', 'Instances that have been ready for as long as they must be'],
  ['updated', 'updatedReplicas', 'Instances of the revision that the spec describes'],
] as const;

export class ServiceMetrics {
  readonly #rollouts: Counter;

  constructor(registry: MetricsRegistry, services: CacheView<Service>) {
    for (const [name, field, help] of COUNTS) {
      registry.gauge({
        name: `windlass_service_${name}_replicas`,
        help: `[ALPHA] ${help}.`,
        labelNames: LABELS,
        isKept: ({ namespace = '', service = '' }) =>
          services.get(namespace, service) !== undefined,
        collect: (gauge) => {
          for (const { metadata, status } of services.list()) {
            const labels = { namespace: metadata.namespace ?? '', service: metadata.name };
            gauge.set(labels, status?.[field] ?? 0);
          }
        },
      });
    }
    this.#rollouts = registry.counter({
      name: 'windlass_service_rollouts_total',
      help: '[ALPHA] Rollouts of services that ended: completed, or failed.',
      labelNames: ['result'],
    });
    for (const result of ['completed', 'failed']) this.#rollouts.inc({ result }, 0);
  }

  /** Counts what a change says. What was there when the controller began has been counted by the one before. */
  changed(change: CacheChange<Service>): void {
    if (change.type !== 'Updated') return;
    const [before, after] = [change.previous.status, change.object.status];
    const current = after?.currentRevision;
    if (current !== undefined && current !== before?.currentRevision)
      this.#rollouts.inc({ result: 'completed' });
    if (hasFailed(after) && !hasFailed(before)) this.#rollouts.inc({ result: 'failed' });
  }
}

function hasFailed(status: ServiceStatus | undefined): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: state, reason }) =>
      type === 'Degraded' && state === 'True' && reason === 'RolloutFailed',
  );
}
