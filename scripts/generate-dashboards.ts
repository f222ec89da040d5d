// Writes deploy/monitoring/dashboards/*.json for Grafana from the tables here: `node scripts/generate-dashboards.ts`.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { root } from './generate-crds.ts';

/** One panel: a curve half as wide as the page, or a number a quarter as wide. */
interface Panel {
  readonly title: string;
  readonly type?: 'timeseries' | 'stat';
  /** Grafana's name: `s`, `bytes`, `reqps`, `percentunit`, `short`. */
  readonly unit: string;
  /** Expression → legend. */
  readonly targets: Readonly<Record<string, string>>;
}

interface Dashboard {
  /** The file, and the uid. */
  readonly name: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

function quantile(of: number, family: string, by = '', where = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${of}, sum by (${labels}) (rate(${family}_bucket{${where}}[5m])))`;
}

const READS = 'verb=~"GET|LIST"';
const WRITES = 'verb=~"POST|PUT|PATCH|DELETE"';

const DASHBOARDS: readonly Dashboard[] = [
  {
    name: 'windlass-overview',
    title: 'Windlass / Overview',
    panels: [
      {
        title: 'Servers that answer',
        type: 'stat',
        unit: 'short',
        targets: { 'sum(up{job="windlass"})': '' },
      },
      {
        title: 'Services that are whole',
        type: 'stat',
        unit: 'percentunit',
        targets: {
          'avg(windlass_service_ready_replicas >= bool windlass_service_desired_replicas)': '',
        },
      },
      {
        title: 'Nodes that do not answer',
        type: 'stat',
        unit: 'short',
        targets: { 'sum(node_collector_unhealthy_nodes_in_zone)': '' },
      },
      {
        title: 'Persistence instances up',
        type: 'stat',
        unit: 'short',
        targets: { 'sum(windlass_persistence_instance_up)': '' },
      },
      {
        title: 'Requests by code',
        unit: 'reqps',
        targets: { 'sum by (code) (rate(apiserver_request_total[5m]))': '{{code}}' },
      },
      {
        title: 'Instances',
        unit: 'short',
        targets: {
          'sum(windlass_service_desired_replicas)': 'desired',
          'sum(windlass_service_ready_replicas)': 'ready',
        },
      },
      {
        title: 'Memory',
        unit: 'bytes',
        targets: { 'process_resident_memory_bytes{job="windlass"}': '{{instance}}' },
      },
      {
        title: 'Processor',
        unit: 'short',
        targets: { 'rate(process_cpu_seconds_total{job="windlass"}[5m])': '{{instance}}' },
      },
    ],
  },
  {
    name: 'windlass-api-server',
    title: 'Windlass / API server',
    panels: [
      {
        title: 'Requests by verb',
        unit: 'reqps',
        targets: { 'sum by (verb) (rate(apiserver_request_total[5m]))': '{{verb}}' },
      },
      {
        title: 'Errors',
        unit: 'percentunit',
        targets: {
          'sum(rate(apiserver_request_total{code=~"5.."}[5m])) / sum(rate(apiserver_request_total[5m])) or vector(0)':
            '5xx',
        },
      },
      {
        title: 'Reads',
        unit: 's',
        targets: {
          [quantile(0.5, 'apiserver_request_sli_duration_seconds', '', READS)]: 'median',
          [quantile(0.99, 'apiserver_request_sli_duration_seconds', '', READS)]: '99 %',
        },
      },
      {
        title: 'Writes',
        unit: 's',
        targets: {
          [quantile(0.5, 'apiserver_request_sli_duration_seconds', '', WRITES)]: 'median',
          [quantile(0.99, 'apiserver_request_sli_duration_seconds', '', WRITES)]: '99 %',
        },
      },
      {
        title: 'In flight',
        unit: 'short',
        targets: {
          'sum by (request_kind) (apiserver_current_inflight_requests)': '{{request_kind}}',
          'sum(apiserver_flowcontrol_current_inqueue_requests)': 'waiting',
        },
      },
      {
        title: 'Refused with 429',
        unit: 'reqps',
        targets: {
          'sum by (reason) (rate(apiserver_flowcontrol_rejected_requests_total[5m]))': '{{reason}}',
        },
      },
      {
        title: 'Watches and streams',
        unit: 'short',
        targets: { 'sum by (verb) (apiserver_longrunning_requests)': '{{verb}}' },
      },
      {
        title: 'Watch events',
        unit: 'reqps',
        targets: { 'sum by (resource) (rate(apiserver_watch_events_total[5m]))': '{{resource}}' },
      },
      {
        title: 'Objects',
        unit: 'short',
        targets: { 'topk(10, apiserver_storage_objects)': '{{resource}}' },
      },
      {
        title: 'Event loop, late by (99 %)',
        unit: 's',
        targets: { nodejs_eventloop_lag_p99_seconds: '{{instance}}' },
      },
      {
        title: 'Work waiting in controllers',
        unit: 'short',
        targets: { 'sum by (name) (workqueue_depth)': '{{name}}' },
      },
      {
        title: 'Certificates end in',
        unit: 's',
        targets: {
          'windlass_certificate_expiration_timestamp_seconds - time()': '{{certificate}}',
        },
      },
    ],
  },
  {
    name: 'windlass-rollouts',
    title: 'Windlass / Rollouts',
    panels: [
      {
        title: 'Rollouts that ended, per hour',
        unit: 'short',
        targets: {
          'sum by (result) (increase(windlass_service_rollouts_total[1h]))': '{{result}}',
        },
      },
      {
        title: 'Missing instances',
        unit: 'short',
        targets: {
          'windlass_service_desired_replicas - windlass_service_ready_replicas':
            '{{namespace}}/{{service}}',
        },
      },
      {
        title: 'Instances of the newest revision',
        unit: 'short',
        targets: { windlass_service_updated_replicas: '{{namespace}}/{{service}}' },
      },
      {
        title: 'Starts of containers',
        unit: 'reqps',
        targets: {
          'sum(rate(kubelet_started_containers_total[5m]))': 'started',
          'sum(rate(kubelet_started_containers_errors_total[5m])) or vector(0)': 'failed',
        },
      },
      {
        title: 'From seen to running',
        unit: 's',
        targets: { [quantile(0.9, 'kubelet_pod_start_duration_seconds')]: '90 %' },
      },
      {
        title: 'Reconciling services',
        unit: 's',
        targets: { [quantile(0.99, 'workqueue_work_duration_seconds', 'name')]: '{{name}}' },
      },
    ],
  },
  {
    name: 'windlass-persistence',
    title: 'Windlass / Persistence',
    panels: [
      {
        title: 'Up',
        unit: 'short',
        targets: { windlass_persistence_instance_up: '{{provider}} {{instance}}' },
      },
      {
        title: 'Until durable',
        unit: 's',
        targets: {
          [quantile(0.5, 'windlass_persistence_persist_seconds', 'instance')]:
            '{{instance}} median',
          [quantile(0.99, 'windlass_persistence_persist_seconds', 'instance')]: '{{instance}} 99 %',
        },
      },
      {
        title: 'Mean latency',
        unit: 's',
        targets: { windlass_persistence_mean_latency_seconds: '{{instance}}' },
      },
      { title: 'Behind', unit: 's', targets: { windlass_persistence_lag_seconds: '{{instance}}' } },
      {
        title: 'Objects in a commit',
        unit: 'short',
        targets: {
          [quantile(0.5, 'windlass_persistence_batch_objects', 'instance')]: '{{instance}}',
        },
      },
      {
        title: 'Waiting for the instance',
        unit: 'bytes',
        targets: { windlass_persistence_pending_bytes: '{{instance}}' },
      },
    ],
  },
  {
    name: 'windlass-machines',
    title: 'Windlass / Machines',
    panels: [
      {
        title: 'Nodes',
        unit: 'short',
        targets: {
          'sum(node_collector_zone_size)': 'all',
          'sum(node_collector_unhealthy_nodes_in_zone)': 'do not answer',
        },
      },
      {
        title: 'Machines by phase',
        unit: 'short',
        targets: { 'windlass_machines or vector(0)': '{{phase}}' },
      },
      {
        title: 'Clusters by phase',
        unit: 'short',
        targets: { 'windlass_clusters or vector(0)': '{{phase}}' },
      },
      {
        title: 'Nodes of providers',
        unit: 'short',
        targets: {
          'windlass_infra_provider_nodes or vector(0)': '{{namespace}}/{{infraprovider}}',
        },
      },
      {
        title: 'Artifacts',
        unit: 'short',
        targets: {
          'sum by (result) (increase(windlass_artifact_fetches_total[1h])) or vector(0)':
            '{{result}}',
        },
      },
      {
        title: 'Store of artifacts',
        unit: 'bytes',
        targets: { windlass_artifact_store_bytes: 'used' },
      },
      { title: 'Instances on this node', unit: 'short', targets: { kubelet_running_pods: '' } },
      {
        title: 'Probes',
        unit: 'reqps',
        targets: {
          'sum by (probe_type, result) (rate(prober_probe_total[5m]))': '{{probe_type}} {{result}}',
        },
      },
    ],
  },
];

const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` };
const COLUMNS = 24;

/** Path below the project's root → content. */
export function renderDashboards(): ReadonlyMap<string, string> {
  return new Map(
    DASHBOARDS.map((dashboard) => [
      join('deploy', 'monitoring', 'dashboards', `${dashboard.name}.json`),
      `${JSON.stringify(rendered(dashboard), undefined, 2)}\n`,
    ]),
  );
}

/** Every expression of every panel. */
export function panelExpressions(): readonly string[] {
  return DASHBOARDS.flatMap(({ panels }) => panels.flatMap(({ targets }) => Object.keys(targets)));
}

function rendered({ name, title, panels }: Dashboard): object {
  let [x, y] = [0, 0];
  return {
    uid: name,
    title,
    tags: ['windlass'],
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }],
    },
    panels: panels.map(({ type = 'timeseries', unit, targets, ...panel }, index) => {
      const [w, h] = type === 'stat' ? [6, 4] : [12, 8];
      if (x + w > COLUMNS) [x, y] = [0, y + h];
      const gridPos = { x, y, w, h };
      x += w;
      if (x === COLUMNS) [x, y] = [0, y + h];
      return {
        id: index + 1,
        type,
        ...panel,
        datasource: DATASOURCE,
        gridPos,
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        targets: Object.entries(targets).map(([expr, legendFormat], at) => ({
          refId: String.fromCodePoint(0x41 + at),
          datasource: DATASOURCE,
          expr,
          legendFormat,
        })),
      };
    }),
  };
}

if (import.meta.main) {
  for (const [path, content] of renderDashboards()) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
