// Kinds of the core group (v1). Pod, Node and Event have columns of their own files; a core Service is inert here.
import { listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { Cell, TableDefinition, Verb } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf, orNone, wideColumn } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';
import { eventSelectableFields, eventTable } from './event.ts';
import { nodeProxySubresource, nodeTable } from './node.ts';
import { podSelectableFields, podSubresources, podTable } from './pod.ts';

const core = { group: '', version: 'v1' } as const;

const size = (value: unknown): number => Object.keys(objectAt(value)).length;

function table(
  columns: TableDefinition['columns'],
  cells: (object: KubernetesObject) => readonly Cell[],
): TableDefinition {
  return {
    columns: [nameColumn, ...columns, ageColumn],
    row: (object, now) => [nameOf(object), ...cells(object), ageCell(object, now)],
  };
}

const accessModeNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const claimTable: TableDefinition = {
  columns: [
    nameColumn,
    column('Status'),
    column('Volume'),
    column('Capacity'),
    column('Access Modes'),
    column('StorageClass'),
    column('VolumeAttributesClass'),
    ageColumn,
    wideColumn('VolumeMode'),
  ],
  row(object, now) {
    const bound = stringAt(object, 'spec', 'volumeName') !== '';
    const phase = stringAt(object, 'status', 'phase');
    const modes = listAt(object, 'status', 'accessModes')
      .map((mode) => accessModeNames[String(mode)] ?? '')
      .filter((mode) => mode !== '');
    return [
      nameOf(object),
      object.metadata.deletionTimestamp === undefined ? phase : 'Terminating',
      stringAt(object, 'spec', 'volumeName'),
      bound ? stringAt(object, 'status', 'capacity', 'storage') : '',
      bound ? modes.join(',') : '',
      stringAt(object, 'spec', 'storageClassName'),
      stringAt(object, 'spec', 'volumeAttributesClassName') || '<unset>',
      ageCell(object, now),
      stringAt(object, 'spec', 'volumeMode') || '<unset>',
    ];
  },
};

function servicePorts(object: KubernetesObject): string {
  return listAt(object, 'spec', 'ports')
    .map((port) => {
      const nodePort = numberAt(port, 'nodePort');
      const number = numberAt(port, 'port');
      return `${number}${nodePort > 0 ? `:${nodePort}` : ''}/${stringAt(port, 'protocol')}`;
    })
    .join(',');
}

function serviceExternalIP(object: KubernetesObject): string {
  const external = listAt(object, 'spec', 'externalIPs').map(String);
  switch (stringAt(object, 'spec', 'type')) {
    case 'ExternalName':
      return stringAt(object, 'spec', 'externalName');
    case 'LoadBalancer': {
      const ingress = listAt(object, 'status', 'loadBalancer', 'ingress').map(
        (entry) => stringAt(entry, 'ip') || stringAt(entry, 'hostname'),
      );
      const all = [...ingress, ...external];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    default:
      return orNone(external.join(','));
  }
}

const serviceTable: TableDefinition = {
  columns: [
    nameColumn,
    column('Type'),
    column('Cluster-IP'),
    column('External-IP'),
    column('Port(s)'),
    ageColumn,
    wideColumn('Selector'),
  ],
  row: (object, now) => [
    nameOf(object),
    stringAt(object, 'spec', 'type'),
    orNone(stringAt(object, 'spec', 'clusterIP')),
    serviceExternalIP(object),
    orNone(servicePorts(object)),
    ageCell(object, now),
    orNone(
      Object.entries(objectAt(object, 'spec', 'selector'))
        .map(([key, value]) => `${key}=${String(value)}`)
        .toSorted()
        .join(','),
    ),
  ],
};

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
    table: table([column('Data', { type: 'integer' })], (object) => [
      size(object['data']) + size(object['binaryData']),
    ]),
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
    kind: 'Namespace',
    resource: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    verbs: namespaceVerbs,
    subresources: [statusSubresource, { name: 'finalize', verbs: ['update'] }],
    selectableFields: { 'status.phase': (object) => stringAt(object, 'status', 'phase') },
    table: table([column('Status')], (object) => [stringAt(object, 'status', 'phase')]),
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
    kind: 'Secret',
    resource: 'secrets',
    namespaced: true,
    selectableFields: { type: (object) => stringAt(object, 'type') },
    table: table([column('Type'), column('Data', { type: 'integer' })], (object) => [
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
    selectableFields: {
      'spec.clusterIP': (object) => stringAt(object, 'spec', 'clusterIP'),
      'spec.type': (object) => stringAt(object, 'spec', 'type'),
    },
    table: serviceTable,
  },
  {
    ...core,
    kind: 'ServiceAccount',
    resource: 'serviceaccounts',
    namespaced: true,
    shortNames: ['sa'],
    table: table([column('Secrets', { type: 'integer' })], (object) => [
      listAt(object, 'secrets').length,
    ]),
  },
];
