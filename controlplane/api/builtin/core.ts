// Kinds of the core group (v1). Those with much to show have files of their own.
import { listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { Verb } from '../resource.ts';
import { column, nameColumn, namedTable, nameOf, shortList, wideColumn } from '../table.ts';
import type { KindRow } from './define.ts';
import { replicas, scaleSubresource, statusSubresource } from './define.ts';
import { eventSelectableFields, eventTable } from './event.ts';
import { nodeProxySubresource, nodeTable } from './node.ts';
import { claimTable, volumeTable } from './persistent-volume.ts';
import { podSelectableFields, podSubresources, podTable } from './pod.ts';
import { quotaTable } from './resource-quota.ts';
import { serviceSelectableFields, serviceTable } from './service.ts';
import { containerCells, containerColumns, labelsCell } from './workload-cells.ts';

const core = { group: '', version: 'v1' } as const;

const size = (value: unknown): number => Object.keys(objectAt(value)).length;

const MOST_ADDRESSES = 3;

/** `10.0.0.1:80,10.0.0.2:80`. */
function endpointsCell(object: KubernetesObject): string {
  const addresses = listAt(object, 'subsets').flatMap((subset) => {
    const ips = listAt(subset, 'addresses').map((address) => stringAt(address, 'ip'));
    const ports = listAt(subset, 'ports').map((port) => numberAt(port, 'port'));
    if (ports.length === 0) return ips;
    const host = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);
    return ports.flatMap((port) => ips.map((ip) => `${host(ip)}:${port}`));
  });
  return shortList(addresses, MOST_ADDRESSES, '<none>');
}

const integer = { type: 'integer' } as const;

const replicationControllerTable = namedTable(
  [column('Desired', integer), column('Current', integer), column('Ready', integer)],
  (object) => [
    numberAt(object, 'spec', 'replicas'),
    numberAt(object, 'status', 'replicas'),
    numberAt(object, 'status', 'readyReplicas'),
    ...containerCells(objectAt(object, 'spec', 'template')),
    labelsCell(objectAt(object, 'spec', 'selector')),
  ],
  [...containerColumns, wideColumn('Selector')],
);

const podTemplateTable = namedTable(
  [column('Containers'), column('Images'), column('Pod Labels')],
  (object) => [
    ...containerCells(objectAt(object, 'template')),
    labelsCell(objectAt(object, 'template', 'metadata', 'labels')),
  ],
);

const namespaceVerbs: readonly Verb[] = [
  'create',
  'delete',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export const coreKinds: readonly KindRow[] = [
  {
    ...core,
    kind: 'ConfigMap',
    resource: 'configmaps',
    namespaced: true,
    shortNames: ['cm'],
    table: namedTable([column('Data')], (object) => [
      size(object['data']) + size(object['binaryData']),
    ]),
  },
  {
    ...core,
    kind: 'Endpoints',
    resource: 'endpoints',
    namespaced: true,
    shortNames: ['ep'],
    table: namedTable([column('Endpoints')], (object) => [endpointsCell(object)]),
  },
  {
    ...core,
    kind: 'Event',
    resource: 'events',
    namespaced: true,
    shortNames: ['ev'],
    table: eventTable,
    selectableFields: eventSelectableFields,
  },
  {
    ...core,
    kind: 'LimitRange',
    resource: 'limitranges',
    namespaced: true,
    shortNames: ['limits'],
    table: {
      columns: [nameColumn, column('Created At', { type: 'date' })],
      row: (object) => [nameOf(object), object.metadata.creationTimestamp ?? ''],
    },
  },
  {
    ...core,
    kind: 'Namespace',
    resource: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    verbs: namespaceVerbs,
    subresources: [statusSubresource, { name: 'finalize', verbs: ['update'] }],
    selectableFields: { 'status.phase': (object) => stringAt(object, 'status', 'phase') },
    table: namedTable([column('Status')], (object) => [stringAt(object, 'status', 'phase')]),
  },
  {
    ...core,
    kind: 'Node',
    resource: 'nodes',
    namespaced: false,
    shortNames: ['no'],
    subresources: [nodeProxySubresource, statusSubresource],
    selectableFields: {
      'spec.unschedulable': (object) => String(objectAt(object, 'spec')['unschedulable'] === true),
    },
    table: nodeTable,
  },
  {
    ...core,
    kind: 'PersistentVolumeClaim',
    resource: 'persistentvolumeclaims',
    namespaced: true,
    shortNames: ['pvc'],
    subresources: [statusSubresource],
    table: claimTable,
  },
  {
    ...core,
    kind: 'PersistentVolume',
    resource: 'persistentvolumes',
    namespaced: false,
    shortNames: ['pv'],
    subresources: [statusSubresource],
    table: volumeTable,
  },
  {
    ...core,
    kind: 'Pod',
    resource: 'pods',
    namespaced: true,
    shortNames: ['po'],
    categories: ['all'],
    subresources: podSubresources,
    selectableFields: podSelectableFields,
    table: podTable,
  },
  {
    ...core,
    kind: 'PodTemplate',
    resource: 'podtemplates',
    namespaced: true,
    table: podTemplateTable,
  },
  {
    ...core,
    kind: 'ReplicationController',
    resource: 'replicationcontrollers',
    namespaced: true,
    shortNames: ['rc'],
    categories: ['all'],
    subresources: [scaleSubresource, statusSubresource],
    scale: replicas,
    selectableFields: {
      'status.replicas': (object) => String(numberAt(object, 'status', 'replicas')),
    },
    table: replicationControllerTable,
  },
  {
    ...core,
    kind: 'ResourceQuota',
    resource: 'resourcequotas',
    namespaced: true,
    shortNames: ['quota'],
    subresources: [statusSubresource],
    table: quotaTable,
  },
  {
    ...core,
    kind: 'Secret',
    resource: 'secrets',
    namespaced: true,
    selectableFields: { type: (object) => stringAt(object, 'type') },
    table: namedTable([column('Type'), column('Data')], (object) => [
      stringAt(object, 'type'),
      size(object['data']),
    ]),
  },
  {
    ...core,
    kind: 'Service',
    resource: 'services',
    namespaced: true,
    shortNames: ['svc'],
    categories: ['all'],
    subresources: [statusSubresource],
    selectableFields: serviceSelectableFields,
    table: serviceTable,
  },
  {
    ...core,
    kind: 'ServiceAccount',
    resource: 'serviceaccounts',
    namespaced: true,
    shortNames: ['sa'],
    subresources: [
      {
        name: 'token',
        verbs: ['create'],
        kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
      },
    ],
    table: namedTable([column('Secrets')], (object) => [listAt(object, 'secrets').length]),
  },
];
