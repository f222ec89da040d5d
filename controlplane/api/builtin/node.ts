// core/v1 Node: what its agent is asked through us, and the columns of `kubectl get nodes`.
import { conditionOf, listAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { SubresourceDefinition, TableDefinition } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf, orNone, wideColumn } from '../table.ts';

export const nodeProxySubresource: SubresourceDefinition = {
  name: 'proxy',
  kind: { group: '', version: 'v1', kind: 'NodeProxyOptions' },
  verbs: ['create'],
};

const ROLE_PREFIX = 'node-role.kubernetes.io/';

function statusOf(object: KubernetesObject): string {
  const ready = stringAt(conditionOf(object, 'Ready'), 'status');
  const status = ready === '' ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  const unschedulable = objectAt(object, 'spec')['unschedulable'] === true;
  return unschedulable ? `${status},SchedulingDisabled` : status;
}

function rolesOf(object: KubernetesObject): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(object.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) {
      roles.add(key.slice(ROLE_PREFIX.length));
    } else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return orNone([...roles].toSorted().join(','));
}

function addressOf(object: KubernetesObject, type: string): string {
  const found = listAt(object, 'status', 'addresses').find(
    (address) => stringAt(address, 'type') === type,
  );
  return orNone(stringAt(found, 'address'));
}

export const nodeTable: TableDefinition = {
  columns: [
    nameColumn,
    column('Status'),
    column('Roles'),
    ageColumn,
    column('Version'),
    wideColumn('Internal-IP'),
    wideColumn('External-IP'),
    wideColumn('OS-Image'),
    wideColumn('Kernel-Version'),
    wideColumn('Container-Runtime'),
  ],
  row(object, now) {
    const info = (field: string): string => stringAt(object, 'status', 'nodeInfo', field);
    return [
      nameOf(object),
      statusOf(object),
      rolesOf(object),
      ageCell(object, now),
      info('kubeletVersion'),
      addressOf(object, 'InternalIP'),
      addressOf(object, 'ExternalIP'),
      info('osImage') || '<unknown>',
      info('kernelVersion') || '<unknown>',
      info('containerRuntimeVersion') || '<unknown>',
    ];
  },
};
