// core/v1 PersistentVolume and PersistentVolumeClaim: their columns.
import { listAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { TableDefinition } from '../resource.ts';
import {
  ageCell,
  ageColumn,
  column,
  nameColumn,
  namedTable,
  nameOf,
  wideColumn,
} from '../table.ts';

const accessModeNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modesOf(modes: readonly unknown[]): string {
  return modes
    .map((mode) => accessModeNames[String(mode)] ?? '')
    .filter((mode) => mode !== '')
    .join(',');
}

const phaseOf = (object: KubernetesObject): string =>
  object.metadata.deletionTimestamp === undefined
    ? stringAt(object, 'status', 'phase')
    : 'Terminating';

export const claimTable: TableDefinition = {
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
    return [
      nameOf(object),
      phaseOf(object),
      stringAt(object, 'spec', 'volumeName'),
      bound ? stringAt(object, 'status', 'capacity', 'storage') : '',
      bound ? modesOf(listAt(object, 'status', 'accessModes')) : '',
      stringAt(object, 'spec', 'storageClassName'),
      stringAt(object, 'spec', 'volumeAttributesClassName') || '<unset>',
      ageCell(object, now),
      stringAt(object, 'spec', 'volumeMode') || '<unset>',
    ];
  },
};

export const volumeTable = namedTable(
  [
    column('Capacity'),
    column('Access Modes'),
    column('Reclaim Policy'),
    column('Status'),
    column('Claim'),
    column('StorageClass'),
    column('VolumeAttributesClass'),
    column('Reason'),
  ],
  (object) => {
    const claim = objectAt(object, 'spec', 'claimRef');
    const name = stringAt(claim, 'name');
    return [
      stringAt(object, 'spec', 'capacity', 'storage') || '0',
      modesOf(listAt(object, 'spec', 'accessModes')),
      stringAt(object, 'spec', 'persistentVolumeReclaimPolicy'),
      phaseOf(object),
      name === '' ? '' : `${stringAt(claim, 'namespace')}/${name}`,
      stringAt(object, 'spec', 'storageClassName'),
      stringAt(object, 'spec', 'volumeAttributesClassName') || '<unset>',
      stringAt(object, 'status', 'reason'),
      stringAt(object, 'spec', 'volumeMode') || '<unset>',
    ];
  },
  [wideColumn('VolumeMode')],
);
