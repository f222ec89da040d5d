// core/v1 Event: columns and selectable fields. (events.k8s.io/v1, the same objects in another shape: event-v1.ts.)
import { numberAt, stringAt } from '../fields.ts';
import type { ResourceDefinition, TableDefinition } from '../resource.ts';
import { column, nameOf, wideColumn } from '../table.ts';
import { ageOf } from '../timestamps.ts';

const selected = (...path: readonly string[]): ResourceDefinition['selectableFields'][string] => {
  return (object) => stringAt(object, ...path);
};

export const eventSelectableFields: ResourceDefinition['selectableFields'] = {
  'involvedObject.kind': selected('involvedObject', 'kind'),
  'involvedObject.namespace': selected('involvedObject', 'namespace'),
  'involvedObject.name': selected('involvedObject', 'name'),
  'involvedObject.uid': selected('involvedObject', 'uid'),
  'involvedObject.apiVersion': selected('involvedObject', 'apiVersion'),
  'involvedObject.resourceVersion': selected('involvedObject', 'resourceVersion'),
  'involvedObject.fieldPath': selected('involvedObject', 'fieldPath'),
  reason: selected('reason'),
  reportingComponent: selected('reportingComponent'),
  source: (object) =>
    stringAt(object, 'source', 'component') || stringAt(object, 'reportingComponent'),
  type: selected('type'),
};

function sourceOf(object: unknown): string {
  const component =
    stringAt(object, 'source', 'component') || stringAt(object, 'reportingComponent');
  const host = stringAt(object, 'source', 'host') || stringAt(object, 'reportingInstance');
  return host === '' ? component : `${component}, ${host}`;
}

export const eventTable: TableDefinition = {
  columns: [
    column('Last Seen'),
    column('Type'),
    column('Reason'),
    column('Object'),
    wideColumn('Subobject'),
    wideColumn('Source'),
    column('Message'),
    wideColumn('First Seen'),
    wideColumn('Count'),
    wideColumn('Name', { format: 'name' }),
  ],
  row(object, now) {
    const first = stringAt(object, 'firstTimestamp') || stringAt(object, 'eventTime');
    const observed = stringAt(object, 'series', 'lastObservedTime');
    const last = observed || stringAt(object, 'lastTimestamp') || first;
    const count =
      observed === '' ? numberAt(object, 'count') || 1 : numberAt(object, 'series', 'count');
    const kind = stringAt(object, 'involvedObject', 'kind').toLowerCase();
    const name = stringAt(object, 'involvedObject', 'name');
    return [
      ageOf(last, now),
      stringAt(object, 'type'),
      stringAt(object, 'reason'),
      name === '' ? kind : `${kind}/${name}`,
      stringAt(object, 'involvedObject', 'fieldPath'),
      sourceOf(object),
      stringAt(object, 'message').trim(),
      ageOf(first, now),
      String(count),
      nameOf(object),
    ];
  },
};
