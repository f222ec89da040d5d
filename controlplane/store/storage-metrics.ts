// What dashboards read about storage: upstream's names for what upstream has, windlass_persistence_* for the instances.
import type { InstanceReport, PersistenceLog } from '#persistence/log.ts';
import type { Labels, MetricsRegistry } from '#platform/metrics.ts';
import type { Write } from './write.ts';
import { instanceMetrics, isOfInstance } from './instance-metrics.ts';

/** Upstream's, k8s.io/apiserver pkg/storage/etcd3/metrics: recording rules depend on them. */
const REQUEST_BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];
/** 0.1 ms doubling up to half a minute. */
const PERSIST_BUCKETS = Array.from({ length: 19 }, (_, power) => 0.0001 * 2 ** power);
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

export interface StorageMetricsOptions {
  readonly registry: MetricsRegistry;
  /** Open: its primary is known. */
  readonly log: PersistenceLog;
  /** Storage keys of resources and how many objects each has. */
  counts(): Iterable<readonly [resource: string, count: number]>;
}

/** Reports each batch. */
export type BatchReporter = (
  writes: readonly Write[],
  seconds: number,
  error: Error | undefined,
) => void;

export function storageMetrics(options: StorageMetricsOptions): BatchReporter {
  registerGauges(options);
  const { registry, log } = options;
  let labels = labelsOf(log.instances().find(({ role }) => role === 'Primary'));
  log.watch((now) => {
    if (now.role === 'Primary') labels = labelsOf(now);
  });
  const requests = {
    seconds: registry.histogram({
      name: 'etcd_request_duration_seconds',
      help: '[BETA] Seconds until a write is durable, by operation and resource',
      labelNames: ['operation', 'type'],
      buckets: REQUEST_BUCKETS,
    }),
    total: registry.counter({
      name: 'etcd_requests_total',
      help: '[ALPHA] Writes handed to storage, by operation and resource',
      labelNames: ['operation', 'type'],
    }),
    errors: registry.counter({
      name: 'etcd_request_errors_total',
      help: '[ALPHA] Writes that storage refused or failed, by operation and resource',
      labelNames: ['operation', 'type'],
    }),
  };
  const isKept = isOfInstance(log);
  const seconds = registry.histogram({
    name: 'windlass_persistence_persist_seconds',
    help: '[ALPHA] Seconds until a batch is durable',
    labelNames: ['provider', 'instance'],
    buckets: PERSIST_BUCKETS,
    isKept,
  });
  const replicas = new Map<string, Labels>();
  log.watchAppends((instance, elapsed) => {
    const known = replicas.get(instance);
    const found = known ?? labelsOf(log.instances().find(({ name }) => name === instance));
    if (known === undefined) replicas.set(instance, found);
    seconds.observe(found, elapsed);
  });
  const objects = registry.histogram({
    name: 'windlass_persistence_batch_objects',
    help: '[ALPHA] Objects that share one commit',
    labelNames: ['provider', 'instance'],
    buckets: BATCH_BUCKETS,
    isKept,
  });
  const errors = registry.counter({
    name: 'windlass_persistence_errors_total',
    help: '[ALPHA] Batches that did not become durable',
    labelNames: ['provider', 'instance', 'error'],
    isKept,
  });
  return (writes, elapsed, error) => {
    seconds.observe(labels, elapsed);
    objects.observe(labels, writes.length);
    if (error !== undefined) errors.inc({ ...labels, error: error.name });
    // Most batches are of one kind: its labels are looked up once and not for each write.
    for (const [type, operations] of tally(writes)) {
      for (const [operation, count] of operations) {
        const request = { operation, type: resourceLabel(type) };
        const series = requests.seconds.series(request);
        for (let at = 0; at < count; at += 1) series.observe(elapsed);
        requests.total.inc(request, count);
        if (error !== undefined) requests.errors.inc(request, count);
      }
    }
  };
}

/** How many writes of which operation, by storage key of the resource. */
function tally(writes: readonly Write[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const found = new Map<string, Map<string, number>>();
  for (const write of writes) {
    let counts = found.get(write.resource);
    if (counts === undefined) found.set(write.resource, (counts = new Map<string, number>()));
    const operation = operationOf(write);
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
  }
  return found;
}

function labelsOf(primary: InstanceReport | undefined) {
  return { provider: primary?.provider ?? '', instance: primary?.name ?? '' };
}

function registerGauges(options: StorageMetricsOptions): void {
  const { registry, log } = options;
  instanceMetrics(registry, log);
  registry.gauge({
    name: 'apiserver_storage_objects',
    help: '[STABLE] Number of stored objects by resource',
    labelNames: ['resource'],
    collect: (gauge) => {
      for (const [resource, count] of options.counts()) {
        gauge.set({ resource: resourceLabel(resource) }, count);
      }
    },
  });
}

function operationOf(write: Write): string {
  if (write.isDeletion) return 'delete';
  return write.isCreation ? 'create' : 'update';
}

/** `core/pods` → `pods`, `apps/deployments` → `deployments.apps`, as upstream's labels have it. */
export function resourceLabel(storageKey: string): string {
  const slash = storageKey.indexOf('/');
  const group = storageKey.slice(0, slash);
  const resource = storageKey.slice(slash + 1);
  return group === 'core' ? resource : `${resource}.${group}`;
}
