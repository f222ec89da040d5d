// Kinds of autoscaling: HorizontalPodAutoscaler in its two versions, stored as v2.
import { fieldAt, listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { column, namedTable } from '../table.ts';
import { autoscalingV1 } from './autoscaling-v1.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

const MOST_METRICS = 2;
const UNKNOWN = '<unknown>';

const SOURCES: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

/** `cpu: 12%/80%`, `10/20 (avg)` …: where a metric is and where it should be. */
function metricCell(metric: unknown, status: unknown): string {
  const source = SOURCES[stringAt(metric, 'type')];
  if (source === undefined) return '<unknown type>';
  const spec = objectAt(metric, source);
  const target = objectAt(spec, 'target');
  const current = objectAt(status, source, 'current');
  const isResource = source === 'resource' || source === 'containerResource';
  const label = isResource ? `${stringAt(spec, 'name')}: ` : '';
  const average = stringAt(target, 'averageValue');
  if (average !== '') {
    const suffix = isResource || source === 'pods' ? '' : ' (avg)';
    return `${label}${stringAt(current, 'averageValue') || UNKNOWN}/${average}${suffix}`;
  }
  if (!isResource) {
    return `${stringAt(current, 'value') || UNKNOWN}/${stringAt(target, 'value')}`;
  }
  const percent = (value: unknown, otherwise: string): string =>
    typeof value === 'number' ? `${value}%` : otherwise;
  const now = percent(current['averageUtilization'], UNKNOWN);
  return `${label}${now}/${percent(target['averageUtilization'], '<auto>')}`;
}

function metricsCell(object: KubernetesObject): string {
  const metrics = listAt(object, 'spec', 'metrics');
  if (metrics.length === 0) return '<none>';
  const statuses = listAt(object, 'status', 'currentMetrics');
  const cells = metrics.map((metric, index) => metricCell(metric, statuses[index]));
  const shown = cells.slice(0, MOST_METRICS).join(', ');
  return cells.length > MOST_METRICS ? `${shown} + ${cells.length - MOST_METRICS} more...` : shown;
}

const table = namedTable(
  [
    column('Reference'),
    column('Targets'),
    column('MinPods'),
    column('MaxPods'),
    column('Replicas'),
  ],
  (shown) => {
    // Both versions have the same columns: v1 is printed as what it is stored as.
    const object = shown.apiVersion === 'autoscaling/v1' ? autoscalingV1.write(shown) : shown;
    const minimum = fieldAt(object, 'spec', 'minReplicas');
    const target = objectAt(object, 'spec', 'scaleTargetRef');
    return [
      `${stringAt(target, 'kind')}/${stringAt(target, 'name')}`,
      metricsCell(object),
      typeof minimum === 'number' ? String(minimum) : '<unset>',
      numberAt(object, 'spec', 'maxReplicas'),
      numberAt(object, 'status', 'currentReplicas'),
    ];
  },
);

const autoscaler = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  namespaced: true,
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: [statusSubresource],
  table,
} as const;

export const autoscalingKinds: readonly KindRow[] = [
  { ...autoscaler, version: 'v2' },
  { ...autoscaler, version: 'v1', storedAs: autoscalingV1 },
];
