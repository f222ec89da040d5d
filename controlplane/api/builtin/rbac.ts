// Kinds of rbac.authorization.k8s.io/v1: what may be done (Roles) and who may do it (bindings).
import { listAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { TableDefinition } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf, wideColumn } from '../table.ts';
import type { KindRow } from './define.ts';

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;

const roleTable: TableDefinition = {
  columns: [nameColumn, column('Created At', { type: 'date' })],
  row: (object) => [nameOf(object), object.metadata.creationTimestamp ?? null],
};

/** Names of the subjects of a kind; those of service accounts with their namespace. */
function subjectsOf(object: KubernetesObject, kind: string): string {
  return listAt(object, 'subjects')
    .filter((subject) => stringAt(subject, 'kind') === kind)
    .map((subject) => {
      const name = stringAt(subject, 'name');
      return kind === 'ServiceAccount' ? `${stringAt(subject, 'namespace')}/${name}` : name;
    })
    .join(', ');
}

const bindingTable: TableDefinition = {
  columns: [
    nameColumn,
    column('Role'),
    ageColumn,
    wideColumn('Users'),
    wideColumn('Groups'),
    wideColumn('ServiceAccounts'),
  ],
  row: (object, now) => [
    nameOf(object),
    `${stringAt(object, 'roleRef', 'kind')}/${stringAt(object, 'roleRef', 'name')}`,
    ageCell(object, now),
    subjectsOf(object, 'User'),
    subjectsOf(object, 'Group'),
    subjectsOf(object, 'ServiceAccount'),
  ],
};

export const rbacKinds: readonly KindRow[] = [
  { ...rbac, kind: 'ClusterRole', resource: 'clusterroles', namespaced: false, table: roleTable },
  {
    ...rbac,
    kind: 'ClusterRoleBinding',
    resource: 'clusterrolebindings',
    namespaced: false,
    table: bindingTable,
  },
  { ...rbac, kind: 'Role', resource: 'roles', namespaced: true, table: roleTable },
  {
    ...rbac,
    kind: 'RoleBinding',
    resource: 'rolebindings',
    namespaced: true,
    table: bindingTable,
  },
];
