// Kinds of flowcontrol.apiserver.k8s.io/v1: kept for those who write them; how requests share this server is not read from them.
import { conditionOf, fieldAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { Cell, TableDefinition } from '../resource.ts';
import { ageCell, ageColumn, column, nameColumn, namedTable, nameOf, orNone } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';

const flowcontrol = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  namespaced: false,
  subresources: [statusSubresource],
} as const;

const flowSchemaTable: TableDefinition = {
  columns: [
    nameColumn,
    column('PriorityLevel'),
    column('MatchingPrecedence'),
    column('DistinguisherMethod'),
    ageColumn,
    column('MissingPL'),
  ],
  row: (object, now) => [
    nameOf(object),
    stringAt(object, 'spec', 'priorityLevelConfiguration', 'name'),
    numberAt(object, 'spec', 'matchingPrecedence'),
    orNone(stringAt(object, 'spec', 'distinguisherMethod', 'type')),
    ageCell(object, now),
    stringAt(conditionOf(object, 'Dangling'), 'status') || '?',
  ],
};

const numberOrNone = (value: unknown): Cell => (typeof value === 'number' ? value : '<none>');

const priorityLevelTable = namedTable(
  [
    column('Type'),
    column('NominalConcurrencyShares'),
    column('Queues'),
    column('HandSize'),
    column('QueueLengthLimit'),
  ],
  (object) => {
    const queuing = objectAt(object, 'spec', 'limited', 'limitResponse', 'queuing');
    return [
      stringAt(object, 'spec', 'type'),
      numberOrNone(fieldAt(object, 'spec', 'limited', 'nominalConcurrencyShares')),
      numberOrNone(queuing['queues']),
      numberOrNone(queuing['handSize']),
      numberOrNone(queuing['queueLengthLimit']),
    ];
  },
);

export const flowcontrolKinds: readonly KindRow[] = [
  { ...flowcontrol, kind: 'FlowSchema', resource: 'flowschemas', table: flowSchemaTable },
  {
    ...flowcontrol,
    kind: 'PriorityLevelConfiguration',
    resource: 'prioritylevelconfigurations',
    table: priorityLevelTable,
  },
];
