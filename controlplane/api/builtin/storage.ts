// Kinds of storage.k8s.io/v1 and storagemigration.k8s.io/v1.
import { fieldAt, listAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { TableDefinition } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, namedTable, nameOf } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

const storage = { group: 'storage.k8s.io', version: 'v1' } as const;
const boolean = { type: 'boolean' } as const;

const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

const isTrue = (object: KubernetesObject, ...path: readonly string[]): boolean =>
  fieldAt(object, ...path) === true;

const storageClassTable: TableDefinition = {
  columns: [
    nameColumn,
    column('Provisioner'),
    column('ReclaimPolicy'),
    column('VolumeBindingMode'),
    column('AllowVolumeExpansion'),
    ageColumn,
  ],
  row(object, now) {
    const isDefault = DEFAULT_CLASS.some((key) => object.metadata.annotations?.[key] === 'true');
    return [
      `${nameOf(object)}${isDefault ? ' (default)' : ''}`,
      stringAt(object, 'provisioner'),
      stringAt(object, 'reclaimPolicy') || 'Delete',
      stringAt(object, 'volumeBindingMode') || 'Immediate',
      isTrue(object, 'allowVolumeExpansion'),
      ageCell(object, now),
    ];
  },
};

const csiDriverTable = namedTable(
  [
    column('AttachRequired', boolean),
    column('PodInfoOnMount', boolean),
    column('StorageCapacity', boolean),
    column('TokenRequests'),
    column('RequiresRepublish', boolean),
    column('Modes'),
  ],
  (object) => {
    const requests = fieldAt(object, 'spec', 'tokenRequests');
    return [
      fieldAt(object, 'spec', 'attachRequired') !== false,
      isTrue(object, 'spec', 'podInfoOnMount'),
      isTrue(object, 'spec', 'storageCapacity'),
      Array.isArray(requests)
        ? requests.map((request) => stringAt(request, 'audience')).join(',')
        : '<unset>',
      isTrue(object, 'spec', 'requiresRepublish'),
      listAt(object, 'spec', 'volumeLifecycleModes').map(String).join(',') || '<none>',
    ];
  },
);

const capacityTable: TableDefinition = {
  columns: [nameColumn, column('StorageClassName'), column('Capacity')],
  row: (object) => [
    nameOf(object),
    stringAt(object, 'storageClassName'),
    stringAt(object, 'capacity') || '<unset>',
  ],
};

const attachmentTable = namedTable(
  [
    column('Attacher', { format: 'name' }),
    column('PV'),
    column('Node'),
    column('Attached', boolean),
  ],
  (object) => [
    stringAt(object, 'spec', 'attacher'),
    stringAt(object, 'spec', 'source', 'persistentVolumeName'),
    stringAt(object, 'spec', 'nodeName'),
    isTrue(object, 'status', 'attached'),
  ],
);

const migrationTable: TableDefinition = {
  columns: [nameColumn, column('Resource')],
  row: (object) => [
    nameOf(object),
    ['resource', 'group'].map((part) => stringAt(object, 'spec', 'resource', part)).join('.'),
  ],
};

export const storageKinds: readonly KindRow[] = [
  {
    ...storage,
    kind: 'CSIDriver',
    resource: 'csidrivers',
    namespaced: false,
    table: csiDriverTable,
  },
  {
    ...storage,
    kind: 'CSINode',
    resource: 'csinodes',
    namespaced: false,
    table: namedTable([column('Drivers', { type: 'integer' })], (object) => [
      listAt(object, 'spec', 'drivers').length,
    ]),
  },
  {
    ...storage,
    kind: 'CSIStorageCapacity',
    resource: 'csistoragecapacities',
    namespaced: true,
    table: capacityTable,
  },
  {
    ...storage,
    kind: 'StorageClass',
    resource: 'storageclasses',
    namespaced: false,
    shortNames: ['sc'],
    table: storageClassTable,
  },
  {
    ...storage,
    kind: 'VolumeAttachment',
    resource: 'volumeattachments',
    namespaced: false,
    subresources: [statusSubresource],
    table: attachmentTable,
  },
  {
    ...storage,
    kind: 'VolumeAttributesClass',
    resource: 'volumeattributesclasses',
    namespaced: false,
    shortNames: ['vac'],
    table: namedTable([column('DriverName')], (object) => [stringAt(object, 'driverName')]),
  },
  {
    group: 'storagemigration.k8s.io',
    version: 'v1',
    kind: 'StorageVersionMigration',
    resource: 'storageversionmigrations',
    namespaced: false,
    subresources: [statusSubresource],
    table: migrationTable,
  },
];
