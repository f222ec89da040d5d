// Kinds of scheduling.k8s.io/v1 and node.k8s.io/v1: what a Pod names to be treated differently.
import { fieldAt, numberAt, stringAt } from '../fields.ts';
import { column, namedTable } from '../table.ts';
import type { KindRow } from './define.ts';

export const schedulingKinds: readonly KindRow[] = [
  {
    group: 'scheduling.k8s.io',
    version: 'v1',
    kind: 'PriorityClass',
    resource: 'priorityclasses',
    namespaced: false,
    shortNames: ['pc'],
    table: namedTable(
      [column('Value', { type: 'integer' }), column('Global-Default', { type: 'boolean' })],
      (object) => [
        numberAt(object, 'value'),
        fieldAt(object, 'globalDefault') === true,
        stringAt(object, 'preemptionPolicy'),
      ],
      [column('PreemptionPolicy')],
    ),
  },
  {
    group: 'node.k8s.io',
    version: 'v1',
    kind: 'RuntimeClass',
    resource: 'runtimeclasses',
    namespaced: false,
    table: namedTable([column('Handler')], (object) => [stringAt(object, 'handler')]),
  },
];
