// autoscaling/v1 HorizontalPodAutoscaler: another view of the v2 objects that are stored. What v1 has no field for travels in
// annotations, under the names and in the forms that upstream uses, so that a v1 client that writes back loses nothing.
import { isObject, listAt, objectAt } from '../fields.ts';
import type { JSONObject } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { StoredForm } from '../resource.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const METRICS = `${PREFIX}metrics`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;
const ROUND_TRIP: ReadonlySet<string> = new Set([METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR]);

const DEFAULT_CPU_PERCENT = 80;

/** Per metric type: field in v1's annotation, path in v2. */
type MetricForms = Readonly<Record<string, readonly (readonly [string, readonly string[]])[]>>;

function forms(kind: 'target' | 'current'): MetricForms {
  const amount = (v1: string, v2: string): readonly [string, readonly string[]] => [
    `${kind}${v1}`,
    [kind, v2],
  ];
  const utilization = amount('AverageUtilization', 'averageUtilization');
  const average = amount('AverageValue', 'averageValue');
  const value = amount('Value', 'value');
  const name = ['metricName', ['metric', 'name']] as const;
  const selector = ['selector', ['metric', 'selector']] as const;
  const resource = [['name', ['name']], utilization, average] as const;
  return {
    resource,
    containerResource: [...resource, ['container', ['container']]],
    pods: [name, selector, average],
    object: [
      ['target', ['describedObject']],
      name,
      selector,
      value,
      ['averageValue', [kind, 'averageValue']],
    ],
    external: [name, ['metricSelector', ['metric', 'selector']], value, average],
  };
}

const SPEC = forms('target');
const STATUS = forms('current');

function setAt(object: JSONObject, path: readonly string[], value: unknown): void {
  const [field = '', ...rest] = path;
  if (rest.length === 0) object[field] = value;
  else {
    const child: JSONObject = { ...objectAt(object, field) };
    setAt(child, rest, value);
    object[field] = child;
  }
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  let value = object;
  for (const field of path) value = isObject(value) ? value[field] : undefined;
  return value;
}

function convertMetric(metric: unknown, table: MetricForms, to: 'v1' | 'v2'): JSONObject {
  const converted: JSONObject = { type: objectAt(metric)['type'] };
  for (const [source, fields] of Object.entries(table)) {
    const from = objectAt(metric)[source];
    if (!isObject(from)) continue;
    const made: JSONObject = {};
    for (const [v1, v2] of fields) {
      const value = valueAt(from, to === 'v1' ? v2 : [v1]);
      if (value !== undefined) setAt(made, to === 'v1' ? [v1] : v2, value);
    }
    if (to === 'v2' && table === SPEC) setAt(made, ['target', 'type'], targetType(made));
    converted[source] = made;
  }
  return converted;
}

function targetType(source: JSONObject): string {
  const target = objectAt(source, 'target');
  if (target['averageUtilization'] !== undefined) return 'Utilization';
  return target['averageValue'] === undefined ? 'Value' : 'AverageValue';
}

function cpuPercent(metric: unknown, kind: 'target' | 'current'): unknown {
  const resource = objectAt(metric, 'resource');
  return resource['name'] === 'cpu' ? objectAt(resource, kind)['averageUtilization'] : undefined;
}

const cpuMetric = (averageUtilization: unknown): JSONObject => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

/** What a HorizontalPodAutoscaler without metrics goes by. */
export const defaultMetrics = (): JSONObject[] => [cpuMetric(DEFAULT_CPU_PERCENT)];

function withAnnotations(
  object: KubernetesObject,
  added: Readonly<Record<string, string>>,
): KubernetesObject['metadata'] {
  const { annotations, ...metadata } = object.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !ROUND_TRIP.has(key));
  const all = { ...Object.fromEntries(kept), ...added };
  return Object.keys(all).length === 0 ? metadata : { ...metadata, annotations: all };
}

function present(fields: JSONObject): JSONObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function read(stored: KubernetesObject): KubernetesObject {
  const { metrics: _metrics, behavior, ...spec } = objectAt(stored, 'spec');
  const { currentMetrics: _current, conditions, ...status } = objectAt(stored, 'status');
  const metrics = listAt(stored, 'spec', 'metrics');
  const current = listAt(stored, 'status', 'currentMetrics');
  const others = metrics.filter((metric) => cpuPercent(metric, 'target') === undefined);
  const added: Record<string, string> = {};
  if (others.length > 0)
    added[METRICS] = JSON.stringify(others.map((metric) => convertMetric(metric, SPEC, 'v1')));
  if (current.length > 0)
    added[CURRENT_METRICS] = JSON.stringify(
      current.map((metric) => convertMetric(metric, STATUS, 'v1')),
    );
  if (behavior !== undefined) added[BEHAVIOR] = JSON.stringify(behavior);
  if (Array.isArray(conditions) && conditions.length > 0)
    added[CONDITIONS] = JSON.stringify(conditions);
  const cpu = (list: readonly unknown[], kind: 'target' | 'current'): unknown =>
    list.map((metric) => cpuPercent(metric, kind)).find((percent) => percent !== undefined);
  return {
    ...stored,
    metadata: withAnnotations(stored, added),
    spec: present({ ...spec, targetCPUUtilizationPercentage: cpu(metrics, 'target') }),
    ...(stored['status'] === undefined
      ? {}
      : {
          status: present({ ...status, currentCPUUtilizationPercentage: cpu(current, 'current') }),
        }),
  };
}

/** Undefined for an annotation that is absent or no JSON: a client may have written anything. */
function annotation(object: KubernetesObject, name: string): unknown {
  try {
    return JSON.parse(object.metadata.annotations?.[name] ?? '') as unknown;
  } catch {
    return undefined;
  }
}

function write(object: KubernetesObject): KubernetesObject {
  const { targetCPUUtilizationPercentage: percent, ...spec } = objectAt(object, 'spec');
  const { currentCPUUtilizationPercentage: current, ...status } = objectAt(object, 'status');
  const list = (name: string): readonly unknown[] =>
    listAt({ list: annotation(object, name) }, 'list');
  const metrics = list(METRICS).map((metric) => convertMetric(metric, SPEC, 'v2'));
  if (percent !== undefined) metrics.push(cpuMetric(percent));
  const measured = list(CURRENT_METRICS).map((metric) => convertMetric(metric, STATUS, 'v2'));
  if (measured.length === 0 && current !== undefined) {
    const resource = { name: 'cpu', current: { averageUtilization: current } };
    measured.push({ type: 'Resource', resource });
  }
  const behavior = annotation(object, BEHAVIOR);
  const conditions = list(CONDITIONS);
  return {
    ...object,
    metadata: withAnnotations(object, {}),
    spec: {
      ...spec,
      metrics: metrics.length > 0 ? metrics : defaultMetrics(),
      ...(isObject(behavior) ? { behavior } : {}),
    },
    ...(object['status'] === undefined
      ? {}
      : {
          status: {
            ...status,
            ...(measured.length > 0 ? { currentMetrics: measured } : {}),
            ...(conditions.length > 0 ? { conditions } : {}),
          },
        }),
  };
}

export const autoscalingV1: StoredForm = { apiVersion: 'autoscaling/v2', read, write };
