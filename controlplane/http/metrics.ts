// The request metrics of the API server, under upstream's names, labels and buckets (k8s.io/apiserver endpoints/metrics):
// recording rules and dashboards written for Kubernetes work unchanged. Labels are bounded: unknown resources and methods
// are folded into '' and 'other'.
import type { Counter, Gauge, Histogram, MetricsRegistry } from '#platform/metrics.ts';

import { AccessMetrics } from './access-metrics.ts';
import type { RequestContext } from './context.ts';
import { RequestCounts, RequestSeries, RequestSeriesTable } from './request-series.ts';
import type { RequestHistograms } from './request-series.ts';

const LATENCY_BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];
const SLI_BUCKETS = LATENCY_BUCKETS.slice(2);
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const WATCH_SIZE_BUCKETS = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];
const REQUEST_LABELS = [
  'verb',
  'group',
  'version',
  'resource',
  'subresource',
  'scope',
  'component',
];
const GVR_LABELS = ['group', 'version', 'resource'];

const VERBS: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};
/** What is measured of a request; of an upgraded one there is no more. */
export interface MeasuredRequest extends Pick<
  RequestContext,
  'info' | 'definition' | 'isLongRunning' | 'isDryRun' | 'responseBytes'
> {
  readonly request: Pick<RequestContext['request'], 'headers'>;
  readonly response: Pick<RequestContext['response'], 'headersSent' | 'statusCode'>;
}

const CONNECT_SUBRESOURCES = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

export class ServerMetrics {
  readonly access: AccessMetrics;
  readonly #counts = new RequestCounts();
  readonly #histograms: RequestHistograms;
  readonly #series = new RequestSeriesTable();
  readonly #longRunning: Gauge;
  readonly #watchEvents: Counter;
  readonly #watchEventSizes: Histogram;
  readonly #initEvents: Counter;
  readonly #terminatedWatchers: Counter;
  readonly #terminations: Counter;
  readonly #aborts: Counter;
  readonly #handshakeErrors: Counter;
  readonly #inflightCount = { readOnly: 0, mutating: 0 };

  constructor(registry: MetricsRegistry) {
    this.access = new AccessMetrics(registry);
    registry.counter({
      name: 'apiserver_request_total',
      help: '[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
      labelNames: [...REQUEST_LABELS, 'dry_run', 'code'],
      collect: (counter) => this.#counts.handOver(counter),
    });
    const duration = registry.histogram({
      name: 'apiserver_request_duration_seconds',
      help: '[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
      labelNames: [...REQUEST_LABELS, 'dry_run'],
      buckets: LATENCY_BUCKETS,
    });
    const sliDuration = registry.histogram({
      name: 'apiserver_request_sli_duration_seconds',
      help: '[ALPHA] Response latency distribution (not counting webhook duration and queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.',
      labelNames: REQUEST_LABELS,
      buckets: SLI_BUCKETS,
    });
    const responseSizes = registry.histogram({
      name: 'apiserver_response_sizes',
      help: '[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
      labelNames: REQUEST_LABELS,
      buckets: SIZE_BUCKETS,
    });
    this.#histograms = { duration, sliDuration, responseSizes };
    registry.gauge({
      name: 'apiserver_current_inflight_requests',
      help: '[STABLE] Number of requests in flight of each request kind.',
      labelNames: ['request_kind'],
      collect: (gauge) => {
        gauge.set({ request_kind: 'readOnly' }, this.#inflightCount.readOnly);
        gauge.set({ request_kind: 'mutating' }, this.#inflightCount.mutating);
      },
    });
    this.#longRunning = registry.gauge({
      name: 'apiserver_longrunning_requests',
      help: '[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component.',
      labelNames: REQUEST_LABELS,
    });
    this.#watchEvents = registry.counter({
      name: 'apiserver_watch_events_total',
      help: '[ALPHA] Number of events sent in watch clients',
      labelNames: GVR_LABELS,
    });
    this.#watchEventSizes = registry.histogram({
      name: 'apiserver_watch_events_sizes',
      help: '[ALPHA] Watch event size distribution in bytes',
      labelNames: GVR_LABELS,
      buckets: WATCH_SIZE_BUCKETS,
    });
    this.#initEvents = registry.counter({
      name: 'apiserver_init_events_total',
      help: '[ALPHA] Counter of init events processed in watch cache broken by resource type.',
      labelNames: GVR_LABELS,
    });
    this.#terminatedWatchers = registry.counter({
      name: 'apiserver_terminated_watchers_total',
      help: '[ALPHA] Counter of watchers closed due to unresponsiveness broken by resource type.',
      labelNames: GVR_LABELS,
    });
    this.#terminations = registry.counter({
      name: 'apiserver_request_terminations_total',
      help: '[ALPHA] Number of requests which apiserver terminated in self-defense.',
      labelNames: [...REQUEST_LABELS, 'code'],
    });
    this.#aborts = registry.counter({
      name: 'apiserver_request_aborts_total',
      help: '[ALPHA] Number of requests which apiserver aborted possibly due to a timeout, for each group, version, verb, resource, subresource and scope',
      labelNames: REQUEST_LABELS.slice(0, -1),
    });
    this.#handshakeErrors = registry.counter({
      name: 'apiserver_tls_handshake_errors_total',
      help: "[ALPHA] Number of requests dropped with 'TLS handshake error from' error",
    });
    this.#handshakeErrors.inc({}, 0);
  }

  /** Counts a request in; the result counts it out, once its answer has ended. */
  started(context: MeasuredRequest): void {
    this.#inflightCount[kindOf(context)] += 1;
  }

  /** A watch or another long answer begins: it no longer counts as in flight. */
  longRunningStarted(context: MeasuredRequest): void {
    this.#inflightCount[kindOf(context)] -= 1;
    this.#longRunning.inc(labelsOf(context));
  }

  finished(context: MeasuredRequest, durationMs: number): void {
    const series = this.#seriesOf(context);
    if (context.isLongRunning) this.#longRunning.dec(labelsOf(context));
    else this.#inflightCount[kindOf(context)] -= 1;
    series.answered(context.response.headersSent ? context.response.statusCode : 0);
    if (!context.isLongRunning) series.took(durationMs / 1000, context.responseBytes);
  }

  #seriesOf(context: MeasuredRequest): RequestSeries {
    const dryRun = context.isDryRun ? 'All' : '';
    const manner = `${verbOf(context)} ${subresourceOf(context)} ${scopeOf(context)} ${dryRun}`;
    return this.#series.find(
      context.definition,
      manner,
      () => new RequestSeries(labelsOf(context), dryRun, this.#histograms, this.#counts),
    );
  }

  timedOut(context: MeasuredRequest): void {
    this.#terminations.inc({ ...labelsOf(context), code: '504' });
  }

  /** The client left before its answer was complete. */
  aborted(context: MeasuredRequest): void {
    const { component: _component, ...labels } = labelsOf(context);
    this.#aborts.inc(labels);
  }

  watchEvents(context: MeasuredRequest, count: number, bytes: number): void {
    const labels = gvrOf(context);
    this.#watchEvents.inc(labels, count);
    this.#watchEventSizes.observe(labels, bytes / count);
  }

  /** A watch that began without a revision is first sent what there is. */
  initialEvents(context: MeasuredRequest, count: number): void {
    if (count > 0) this.#initEvents.inc(gvrOf(context), count);
  }

  watcherTerminated(context: MeasuredRequest): void {
    this.#terminatedWatchers.inc(gvrOf(context));
  }

  handshakeFailed(): void {
    this.#handshakeErrors.inc();
  }
}

function kindOf({ info }: MeasuredRequest): 'readOnly' | 'mutating' {
  return info.method === 'GET' || info.method === 'HEAD' ? 'readOnly' : 'mutating';
}

function gvrOf({ definition }: MeasuredRequest): {
  group: string;
  version: string;
  resource: string;
} {
  return {
    group: definition?.group ?? '',
    version: definition?.version ?? '',
    resource: definition?.resource ?? '',
  };
}

interface RequestLabels extends Record<string, string> {
  verb: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  scope: string;
  component: string;
}

function labelsOf(context: MeasuredRequest): RequestLabels {
  const { definition } = context;
  // Only kinds that are served become labels: a path is whatever a client types.
  return {
    verb: verbOf(context),
    group: definition?.group ?? '',
    version: definition?.version ?? '',
    resource: definition?.resource ?? '',
    subresource: subresourceOf(context),
    scope: scopeOf(context),
    component: 'apiserver',
  };
}

function subresourceOf({ info, definition }: MeasuredRequest): string {
  if (info.subresource === '') return '';
  const isServed = definition?.subresources.some(({ name }) => name === info.subresource) ?? false;
  return isServed ? info.subresource : '';
}

function verbOf({ info, request }: MeasuredRequest): string {
  if (!info.isResourceRequest) {
    return info.method === 'GET' || info.method === 'POST' ? info.method : 'other';
  }
  if (CONNECT_SUBRESOURCES.has(info.subresource)) return 'CONNECT';
  if (
    info.verb === 'patch' &&
    request.headers['content-type']?.startsWith('application/apply-patch') === true
  ) {
    return 'APPLY';
  }
  return VERBS[info.verb] ?? 'other';
}

function scopeOf({ info, definition }: MeasuredRequest): string {
  if (definition === undefined) return '';
  if (info.name !== '' || info.verb === 'create') return 'resource';
  return info.namespace === '' ? 'cluster' : 'namespace';
}
