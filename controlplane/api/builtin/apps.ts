// Kinds of apps/v1. ControllerRevision holds the history of our Services.
import { listAt, numberAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf, orNone } from '../table.ts';
import type { KindRow } from './define.ts';

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

export const appsKinds: readonly KindRow[] = [
  {
    group: 'apps',
    version: 'v1',
    kind: 'ControllerRevision',
    resource: 'controllerrevisions',
    namespaced: true,
    table: {
      columns: [
        nameColumn,
        column('Controller'),
        column('Revision', { type: 'integer' }),
        ageColumn,
      ],
      row: (object, now) => [
        nameOf(object),
        orNone(controllerOf(object)),
        numberAt(object, 'revision'),
        ageCell(object, now),
      ],
    },
  },
];
