// Kinds of coordination.k8s.io/v1.
import { stringAt } from '../fields.ts';
import { ageCell, ageColumn, column, nameColumn, nameOf } from '../table.ts';
import type { KindRow } from './define.ts';

export const coordinationKinds: readonly KindRow[] = [
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    resource: 'leases',
    namespaced: true,
    // Each is renewed every few seconds and good for many: 200 nodes make 20 renewals a second.
    watchPaceMs: 250,
    table: {
      columns: [nameColumn, column('Holder'), ageColumn],
      row: (object, now) => [
        nameOf(object),
        stringAt(object, 'spec', 'holderIdentity'),
        ageCell(object, now),
      ],
    },
  },
];
