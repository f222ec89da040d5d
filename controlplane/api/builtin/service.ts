// core/v1 Service: selectable fields and columns. Nothing routes to it yet.
import { listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { ResourceDefinition, TableDefinition } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf, orNone, wideColumn } from '../table.ts';
import { labelsCell } from './workload-cells.ts';

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

export const serviceTable: TableDefinition = {
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
    labelsCell(objectAt(object, 'spec', 'selector')),
  ],
};

export const serviceSelectableFields: ResourceDefinition['selectableFields'] = {
  'spec.clusterIP': (object) => stringAt(object, 'spec', 'clusterIP'),
  'spec.type': (object) => stringAt(object, 'spec', 'type'),
};
