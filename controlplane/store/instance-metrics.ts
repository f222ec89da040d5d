// What dashboards read about each persistence instance. Labels are the instances that there are, and nothing else.
import type { InstanceReport, InstanceState, PersistenceLog } from '#persistence/log.ts';
import type { Counter, Gauge, Labels, MetricsRegistry } from '#platform/metrics.ts';

const LABELS = ['provider', 'instance'];

const STATES: Readonly<Record<InstanceState, true>> = {
  Up: true,
  CatchingUp: true,
  NeedsFullSync: true,
  Down: true,
  Fenced: true,
  Diverged: true,
  Corrupt: true,
};

type Value = (report: InstanceReport) => number;

/** Name without its prefix, help, value. */
const GAUGES: readonly (readonly [name: string, help: string, value: Value])[] = [
  ['instance_up', '1 while the instance takes writes', ({ up }) => (up ? 1 : 0)],
  [
    'mean_latency_seconds',
    'Mean seconds from request to acknowledgement over the last minutes',
    ({ meanPersistLatency }) => meanPersistLatency,
  ],
  [
    'lag_seconds',
    'Age of the oldest change that the instance has not got',
    ({ lagSeconds }) => lagSeconds,
  ],
  [
    'lag_revisions',
    'Changes that the primary has and the instance has not',
    ({ lagRevisions }) => lagRevisions,
  ],
  [
    'pending_bytes',
    'Bytes of changes that wait in memory for the instance',
    ({ pendingBytes }) => pendingBytes,
  ],
  [
    'breaker_open',
    '1 while nothing is sent to the instance but now and then a probe',
    ({ state }) => (state === 'Down' ? 1 : 0),
  ],
  [
    'instance_primary',
    '1 for the instance that each write goes to first',
    ({ role }) => (role === 'Primary' ? 1 : 0),
  ],
  ['epoch', 'Epoch of the newest claim that the instance holds', ({ epoch }) => epoch],
];

/** Whether the instance of a series is there still: those that were attached are let go of again. */
export function isOfInstance(log: Pick<PersistenceLog, 'instances'>): (labels: Labels) => boolean {
  return ({ instance }) => log.instances().some(({ name }) => name === instance);
}

export function instanceMetrics(
  registry: MetricsRegistry,
  log: Pick<PersistenceLog, 'instances' | 'watch'>,
): void {
  const isKept = isOfInstance(log);
  for (const [name, help, value] of GAUGES) {
    registry.gauge({
      name: `windlass_persistence_${name}`,
      help: `[ALPHA] ${help}`,
      labelNames: LABELS,
      isKept,
      collect: (gauge) => collect(gauge, log.instances(), value),
    });
  }
  registry.gauge({
    name: 'windlass_persistence_instance_state',
    help: '[ALPHA] 1 for the state that the instance is in, 0 for the others',
    labelNames: [...LABELS, 'state'],
    isKept,
    collect: (gauge) => {
      for (const report of log.instances()) {
        for (const state of Object.keys(STATES)) {
          gauge.set({ ...labelsOf(report), state }, report.state === state ? 1 : 0);
        }
      }
    },
  });
  countTransitions(registry, log);
}

function countTransitions(
  registry: MetricsRegistry,
  log: Pick<PersistenceLog, 'instances' | 'watch'>,
): void {
  const counter = (name: string, help: string): Counter =>
    registry.counter({
      name,
      help: `[ALPHA] ${help}`,
      labelNames: LABELS,
      isKept: isOfInstance(log),
      // A series that is there from the start shows its first increase.
      collect: (made) => {
        for (const report of log.instances()) made.inc(labelsOf(report), 0);
      },
    });
  const counters: Partial<Record<InstanceState, Counter>> = {
    Down: counter('windlass_persistence_failures_total', 'How often the instance went down'),
    NeedsFullSync: counter(
      'windlass_persistence_full_syncs_total',
      'How often the instance needed a copy of the whole',
    ),
    Diverged: counter(
      'windlass_persistence_divergences_total',
      'How often the instance held what its primary never had',
    ),
  };
  const promotions = counter(
    'windlass_persistence_promotions_total',
    'How often the instance became the primary while the server ran',
  );
  log.watch((now, before) => {
    if (now.role !== before.role && now.role === 'Primary') promotions.inc(labelsOf(now));
    if (now.state !== before.state) counters[now.state]?.inc(labelsOf(now));
  });
}

function collect(gauge: Gauge, reports: readonly InstanceReport[], value: Value): void {
  for (const report of reports) gauge.set(labelsOf(report), value(report));
}

function labelsOf({ provider, name }: InstanceReport): Labels {
  return { provider, instance: name };
}
