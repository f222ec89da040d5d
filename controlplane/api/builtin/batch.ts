// Kinds of batch/v1.
import { conditionOf, fieldAt, listAt, numberAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { column, namedTable, orNone, wideColumn } from '../table.ts';
import { ageOf, humanDuration, parseTimestamp } from '../timestamps.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';
import { containerCells, containerColumns, selectorCell } from './workload-cells.ts';

const batch = { group: 'batch', version: 'v1', namespaced: true } as const;

const isTrue = (object: KubernetesObject, type: string): boolean =>
  stringAt(conditionOf(object, type), 'status') === 'True';

function jobStatus(object: KubernetesObject): string {
  if (isTrue(object, 'Complete')) return 'Complete';
  if (isTrue(object, 'Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const other = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];
  return other.find((type) => isTrue(object, type)) ?? 'Running';
}

function jobCompletions(object: KubernetesObject): string {
  const succeeded = numberAt(object, 'status', 'succeeded');
  const wanted = fieldAt(object, 'spec', 'completions');
  if (typeof wanted === 'number') return `${succeeded}/${wanted}`;
  const parallelism = numberAt(object, 'spec', 'parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(object: KubernetesObject, now: number): string {
  const start = parseTimestamp(stringAt(object, 'status', 'startTime'));
  if (start === undefined) return '';
  const end = parseTimestamp(stringAt(object, 'status', 'completionTime')) ?? now;
  return humanDuration(end - start);
}

const jobTable = namedTable(
  [column('Status'), column('Completions'), column('Duration')],
  (object, now) => [
    jobStatus(object),
    jobCompletions(object),
    jobDuration(object, now),
    ...containerCells(objectAt(object, 'spec', 'template')),
    selectorCell(objectAt(object, 'spec', 'selector')),
  ],
  [...containerColumns, wideColumn('Selector')],
);

const cronJobTable = namedTable(
  [
    column('Schedule'),
    column('Timezone'),
    column('Suspend', { type: 'boolean' }),
    column('Active', { type: 'integer' }),
    column('Last Schedule'),
  ],
  (object, now) => {
    const last = stringAt(object, 'status', 'lastScheduleTime');
    return [
      stringAt(object, 'spec', 'schedule'),
      orNone(stringAt(object, 'spec', 'timeZone')),
      fieldAt(object, 'spec', 'suspend') === true ? 'True' : 'False',
      listAt(object, 'status', 'active').length,
      last === '' ? '<none>' : ageOf(last, now),
      ...containerCells(objectAt(object, 'spec', 'jobTemplate', 'spec', 'template')),
      selectorCell(objectAt(object, 'spec', 'jobTemplate', 'spec', 'selector')),
    ];
  },
  [...containerColumns, wideColumn('Selector')],
);

export const batchKinds: readonly KindRow[] = [
  {
    ...batch,
    kind: 'CronJob',
    resource: 'cronjobs',
    shortNames: ['cj'],
    categories: ['all'],
    subresources: [statusSubresource],
    table: cronJobTable,
  },
  {
    ...batch,
    kind: 'Job',
    resource: 'jobs',
    categories: ['all'],
    subresources: [statusSubresource],
    selectableFields: {
      'status.successful': (object) => String(numberAt(object, 'status', 'succeeded')),
    },
    table: jobTable,
  },
];
