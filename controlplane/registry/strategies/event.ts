// Event: lies in the namespace of what it is about; for cluster-scoped things in `default`. Those that say when they happened
// must say who saw it and why; those of events.k8s.io must say all that, and stay as they are but for their series.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkQualifiedName } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';

const SHORT = 128;
const LONG = 1024;

interface Names {
  readonly about: string;
  readonly controller: string;
  readonly text: string;
}

const CORE: Names = { about: 'involvedObject', controller: 'reportingComponent', text: 'message' };
const EVENTS: Names = { about: 'regarding', controller: 'reportingController', text: 'note' };

const isStrict = (object: KubernetesObject): boolean => object.apiVersion !== 'v1';
const namesOf = (object: KubernetesObject): Names => (isStrict(object) ? EVENTS : CORE);

function validateNamespace(object: KubernetesObject, isNew: boolean): FieldError[] {
  const about = stringAt(object, namesOf(object).about, 'namespace');
  const here = object.metadata.namespace ?? '';
  const fits =
    about === '' ? here === 'default' || here === 'kube-system' : isNew || about === here;
  return fits
    ? []
    : [invalidField('involvedObject.namespace', about, 'does not match event.namespace')];
}

function validateReport(object: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const { controller, text } = namesOf(object);
  const name = stringAt(object, controller);
  const wrong = checkQualifiedName(name);
  if (name === '') errors.push(requiredField(controller));
  if (wrong !== undefined) errors.push(invalidField(controller, name, wrong));
  for (const field of ['reportingInstance', 'action', 'reason']) {
    if (stringAt(object, field) === '') errors.push(requiredField(field));
  }
  for (const field of ['reportingInstance', 'action', 'reason', text]) {
    const most = field === text ? LONG : SHORT;
    if (stringAt(object, field).length <= most) continue;
    const shown = field === text ? 'message' : field;
    errors.push(invalidField(shown, '', `can have at most ${most} characters`));
  }
  return errors;
}

function validateStrictly(object: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const type = stringAt(object, 'type');
  if (stringAt(object, 'eventTime') === '') errors.push(requiredField('eventTime'));
  if (type !== 'Normal' && type !== 'Warning') {
    errors.push(invalidField('type', '', `has invalid value: ${type}`));
  }
  for (const field of ['FirstTimestamp', 'LastTimestamp', 'Count', 'Source']) {
    const value = object[`deprecated${field}`] ?? undefined;
    const isUnset = value === undefined || sameJSON(value, {});
    const name = `${field[0]?.toLowerCase() ?? ''}${field.slice(1)}`;
    if (!isUnset) errors.push(invalidField(name, '', 'needs to be unset'));
  }
  return errors;
}

function validateSeries(object: KubernetesObject): FieldError[] {
  const series = objectAt(object, 'series');
  if (Object.keys(series).length === 0) return [];
  return [
    ...(numberAt(series, 'count') < 2
      ? [invalidField('series.count', '', 'should be at least 2')]
      : []),
    ...(stringAt(series, 'lastObservedTime') === ''
      ? [requiredField('series.lastObservedTime')]
      : []),
  ];
}

/** What a client of events.k8s.io may not change, under the names that upstream's messages give. */
const FIXED: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['reason', 'reason'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingController', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
];

export const eventStrategy: Strategy = {
  createsOnUpdate: true,
  validate(object) {
    const isNew = stringAt(object, 'eventTime') !== '';
    return [...validateNamespace(object, isNew), ...(isNew ? validateReport(object) : [])];
  },
  validateCreate: (object) =>
    isStrict(object) ? [...validateSeries(object), ...validateStrictly(object)] : [],
  validateUpdate(object, old) {
    if (!isStrict(object)) return [];
    const errors = FIXED.filter(([field]) => !sameJSON(object[field], old[field])).map(
      ([field, name]) => invalidField(name, object[field] ?? null, 'field is immutable'),
    );
    const series = sameJSON(object['series'], old['series']) ? [] : validateSeries(object);
    return [...errors, ...series];
  },
};
