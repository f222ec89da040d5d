// NodeMetrics and PodMetrics (metrics.k8s.io), which `kubectl top` and dashboards read. Nothing of them is stored: nodes are asked when
// somebody asks. Names and columns as metrics-server has them.
import { definitionsOf } from '../../api/custom-resource.ts';
import { fieldAt, listAt, stringAt } from '../../api/fields.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ResourceDefinition, TableDefinition } from '../../api/resource.ts';
import { column, nameColumn, nameOf } from '../../api/table.ts';
import { cpuQuantity, memoryQuantity, usageSum } from './usage-object.ts';

export const USAGE_GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';

const quantities = {
  type: 'object',
  description: 'cpu and memory, as quantities.',
  additionalProperties: {
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
  },
};
const measured = {
  timestamp: {
    type: 'string',
    format: 'date-time',
    description: 'When the time ended over which was measured.',
  },
  window: { type: 'string', description: 'How long that was.' },
};
const container = {
  type: 'object',
  required: ['name', 'usage'],
  properties: { name: { type: 'string' }, usage: quantities },
};

const table: TableDefinition = {
  columns: [nameColumn, column('CPU'), column('Memory'), column('Window')],
  row: (object) => {
    const { cpuNanocores, memoryBytes } = usageSum(usagesOf(object));
    const cells = [cpuQuantity(cpuNanocores), memoryQuantity(memoryBytes)];
    return [nameOf(object), ...cells, stringAt(object, 'window')];
  },
};

function usagesOf(object: KubernetesObject): readonly unknown[] {
  if (object.kind === 'NodeMetrics') return [fieldAt(object, 'usage')];
  return listAt(object, 'containers').map((one) => fieldAt(one, 'usage'));
}

export const nodeMetricsDefinition: ResourceDefinition = defined('NodeMetrics', 'nodes', {
  ...measured,
  usage: quantities,
});

export const podMetricsDefinition: ResourceDefinition = defined('PodMetrics', 'pods', {
  ...measured,
  containers: { type: 'array', items: container },
});

export const usageDefinitions: readonly ResourceDefinition[] = [
  nodeMetricsDefinition,
  podMetricsDefinition,
];

function defined(kind: string, plural: string, properties: object): ResourceDefinition {
  const [custom] = definitionsOf({
    kind: 'CustomResourceDefinition',
    apiVersion: 'apiextensions.k8s.io/v1',
    metadata: { name: `${plural}.${USAGE_GROUP}` },
    spec: {
      group: USAGE_GROUP,
      scope: kind === 'NodeMetrics' ? 'Cluster' : 'Namespaced',
      names: { kind, plural, singular: '', listKind: `${kind}List` },
      versions: [
        {
          name: VERSION,
          served: true,
          schema: { openAPIV3Schema: { type: 'object', properties } },
        },
      ],
    },
  });
  if (custom === undefined) throw new TypeError(`the definition of ${kind} has no version`);
  return { ...custom, table, verbs: ['get', 'list'], subresources: [], isVirtual: true };
}
