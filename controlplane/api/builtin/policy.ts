// Kinds of policy/v1: how many instances of something may be away at once because somebody wants it so.
import { fieldAt, numberAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import type { Cell } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

/** A whole number or a percentage as it was written; `N/A` where the other of the two is used. */
function amount(object: KubernetesObject, field: string): Cell {
  const value = fieldAt(object, 'spec', field);
  return typeof value === 'number' || typeof value === 'string' ? String(value) : 'N/A';
}

export const policyKinds: readonly KindRow[] = [
  {
    group: 'policy',
    version: 'v1',
    kind: 'PodDisruptionBudget',
    resource: 'poddisruptionbudgets',
    namespaced: true,
    shortNames: ['pdb'],
    subresources: [statusSubresource],
    table: {
      columns: [
        nameColumn,
        column('Min Available', {
          description: 'Pods that must stay available when others are evicted.',
        }),
        column('Max Unavailable', {
          description: 'Pods that may be unavailable after an eviction.',
        }),
        column('Allowed Disruptions', {
          type: 'integer',
          description: 'Pods that may be evicted now.',
        }),
        ageColumn,
      ],
      row: (object, now) => [
        nameOf(object),
        amount(object, 'minAvailable'),
        amount(object, 'maxUnavailable'),
        numberAt(object, 'status', 'disruptionsAllowed'),
        ageCell(object, now),
      ],
    },
  },
];
