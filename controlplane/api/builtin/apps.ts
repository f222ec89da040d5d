// Kinds of apps/v1. ControllerRevision holds the history of our Services.
import { listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { TableDefinition } from '../resource.ts';
import { column, namedTable, orNone, wideColumn } from '../table.ts';
import type { KindRow } from './define.ts';
import { replicas, scaleSubresource, statusSubresource } from './define.ts';
import { containerCells, containerColumns, labelsCell, selectorCell } from './workload-cells.ts';

const apps = { group: 'apps', version: 'v1', namespaced: true } as const;

/** `service.windlass.dev/web`: the controlling owner as kubectl prints it. */
function controllerOf(object: KubernetesObject): string {
  const owner = listAt(object.metadata, 'ownerReferences').find(
    (reference) => (reference as { controller?: boolean }).controller === true,
  );
  if (owner === undefined) return '';
  const apiVersion = stringAt(owner, 'apiVersion');
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : `.${apiVersion.slice(0, slash)}`;
  return `${stringAt(owner, 'kind').toLowerCase()}${group}/${stringAt(owner, 'name')}`;
}

const integer = (name: string): TableDefinition['columns'][number] =>
  column(name, { type: 'integer' });

const revisionTable = namedTable([column('Controller'), column('Revision')], (object) => [
  orNone(controllerOf(object)),
  numberAt(object, 'revision'),
]);

const readyOf = (object: KubernetesObject): string =>
  `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}`;

const daemonSetTable = namedTable(
  [
    integer('Desired'),
    integer('Current'),
    integer('Ready'),
    integer('Up-to-date'),
    integer('Available'),
    column('Node Selector'),
  ],
  (object) => [
    numberAt(object, 'status', 'desiredNumberScheduled'),
    numberAt(object, 'status', 'currentNumberScheduled'),
    numberAt(object, 'status', 'numberReady'),
    numberAt(object, 'status', 'updatedNumberScheduled'),
    numberAt(object, 'status', 'numberAvailable'),
    labelsCell(objectAt(object, 'spec', 'template', 'spec', 'nodeSelector')),
    ...containerCells(objectAt(object, 'spec', 'template')),
    selectorCell(objectAt(object, 'spec', 'selector')),
  ],
  [...containerColumns, wideColumn('Selector')],
);

const deploymentTable = namedTable(
  [column('Ready'), column('Up-to-date'), column('Available')],
  (object) => [
    readyOf(object),
    numberAt(object, 'status', 'updatedReplicas'),
    numberAt(object, 'status', 'availableReplicas'),
    ...containerCells(objectAt(object, 'spec', 'template')),
    selectorCell(objectAt(object, 'spec', 'selector')),
  ],
  [...containerColumns, wideColumn('Selector')],
);

const replicaSetTable = namedTable(
  [integer('Desired'), integer('Current'), integer('Ready')],
  (object) => [
    numberAt(object, 'spec', 'replicas'),
    numberAt(object, 'status', 'replicas'),
    numberAt(object, 'status', 'readyReplicas'),
    ...containerCells(objectAt(object, 'spec', 'template')),
    selectorCell(objectAt(object, 'spec', 'selector')),
  ],
  [...containerColumns, wideColumn('Selector')],
);

const statefulSetTable = namedTable(
  [column('Ready')],
  (object) => [readyOf(object), ...containerCells(objectAt(object, 'spec', 'template'))],
  containerColumns,
);

const scalable = { subresources: [scaleSubresource, statusSubresource], scale: replicas } as const;

export const appsKinds: readonly KindRow[] = [
  {
    ...apps,
    kind: 'ControllerRevision',
    resource: 'controllerrevisions',
    table: revisionTable,
  },
  {
    ...apps,
    kind: 'DaemonSet',
    resource: 'daemonsets',
    shortNames: ['ds'],
    categories: ['all'],
    subresources: [statusSubresource],
    table: daemonSetTable,
  },
  {
    ...apps,
    ...scalable,
    kind: 'Deployment',
    resource: 'deployments',
    shortNames: ['deploy'],
    categories: ['all'],
    table: deploymentTable,
  },
  {
    ...apps,
    ...scalable,
    kind: 'ReplicaSet',
    resource: 'replicasets',
    shortNames: ['rs'],
    categories: ['all'],
    selectableFields: {
      'status.replicas': (object) => String(numberAt(object, 'status', 'replicas')),
    },
    table: replicaSetTable,
  },
  {
    ...apps,
    ...scalable,
    kind: 'StatefulSet',
    resource: 'statefulsets',
    shortNames: ['sts'],
    categories: ['all'],
    table: statefulSetTable,
  },
];
