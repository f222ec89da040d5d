// events.k8s.io/v1 Event: another view of the core Events that are stored, with other names for some fields.
import type { KubernetesObject } from '../object.ts';
import type { ResourceDefinition, StoredForm } from '../resource.ts';
import { storageKeyOf } from '../resource.ts';
import type { KindRow } from './define.ts';
import { eventSelectableFields, eventTable } from './event.ts';

/** events.k8s.io → core; all other fields have one name. */
const NAMES: Readonly<Record<string, string>> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
};

const STORED_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(NAMES).map(([name, stored]) => [stored, name]),
);

function renamed(
  object: KubernetesObject,
  names: Readonly<Record<string, string>>,
): KubernetesObject {
  return Object.fromEntries(
    Object.entries(object).map(([field, value]) => [
      Object.hasOwn(names, field) ? names[field] : field,
      value,
    ]),
  ) as KubernetesObject;
}

const eventV1: StoredForm = {
  apiVersion: 'v1',
  read: (stored) => renamed(stored, STORED_NAMES),
  write: (object) => renamed(object, NAMES),
};

/** Of the stored form, under the names that this version's clients use. */
const selectableFields: ResourceDefinition['selectableFields'] = Object.fromEntries(
  Object.entries(eventSelectableFields)
    .filter(([label]) => label !== 'source')
    .map(([label, read]) => {
      const [first = '', ...rest] = label.split('.');
      return [[STORED_NAMES[first] ?? first, ...rest].join('.'), read];
    }),
);

export const eventsKinds: readonly KindRow[] = [
  {
    group: 'events.k8s.io',
    version: 'v1',
    kind: 'Event',
    resource: 'events',
    namespaced: true,
    shortNames: ['ev'],
    selectableFields,
    storedAs: eventV1,
    storageKey: storageKeyOf('', 'events'),
    table: {
      columns: eventTable.columns,
      row: (object, now) => eventTable.row(eventV1.write(object), now),
    },
  },
];
