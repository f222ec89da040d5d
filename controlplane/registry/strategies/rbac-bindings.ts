// RoleBinding and ClusterRoleBinding: subjects come and go, the role stays what it was when the binding was made.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField, unsupportedField } from '#controlplane/api/field-errors.ts';
import { fieldAt, isObject, listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSSubdomain, checkPathSegment } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';

const GROUP = 'rbac.authorization.k8s.io';

function applyDefaults(object: KubernetesObject): void {
  const roleRef = fieldAt(object, 'roleRef');
  if (isObject(roleRef) && stringAt(roleRef, 'apiGroup') === '') roleRef['apiGroup'] = GROUP;
  for (const subject of listAt(object, 'subjects')) {
    if (!isObject(subject) || stringAt(subject, 'apiGroup') !== '') continue;
    const kind = stringAt(subject, 'kind');
    if (kind === 'User' || kind === 'Group') subject['apiGroup'] = GROUP;
  }
}

function validateSubject(subject: unknown, field: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const [kind, name, apiGroup] = ['kind', 'name', 'apiGroup'].map((part) =>
    stringAt(subject, part),
  ) as [string, string, string];
  if (name === '') errors.push(requiredField(`${field}.name`));
  switch (kind) {
    case 'ServiceAccount': {
      const wrong = name === '' ? undefined : checkDNSSubdomain(name);
      if (wrong !== undefined) errors.push(invalidField(`${field}.name`, name, wrong));
      if (apiGroup !== '') errors.push(unsupportedField(`${field}.apiGroup`, apiGroup, ['']));
      if (!namespaced && stringAt(subject, 'namespace') === '') {
        errors.push(requiredField(`${field}.namespace`));
      }
      break;
    }
    case 'User':
    case 'Group':
      if (apiGroup !== GROUP) {
        errors.push(unsupportedField(`${field}.apiGroup`, apiGroup, [GROUP]));
      }
      break;
    default:
      errors.push(unsupportedField(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
  }
  return errors;
}

function validate(object: KubernetesObject, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const [apiGroup, kind, name] = ['apiGroup', 'kind', 'name'].map((part) =>
    stringAt(object, 'roleRef', part),
  ) as [string, string, string];
  if (apiGroup !== GROUP) errors.push(unsupportedField('roleRef.apiGroup', apiGroup, [GROUP]));
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(kind)) errors.push(unsupportedField('roleRef.kind', kind, kinds));
  const wrong = name === '' ? undefined : checkPathSegment(name);
  if (name === '') errors.push(requiredField('roleRef.name'));
  else if (wrong !== undefined) errors.push(invalidField('roleRef.name', name, wrong));
  listAt(object, 'subjects').forEach((subject, index) => {
    errors.push(...validateSubject(subject, `subjects[${index}]`, namespaced));
  });
  return errors;
}

function validateUpdate(object: KubernetesObject, old: KubernetesObject): FieldError[] {
  return sameJSON(object['roleRef'], old['roleRef'])
    ? []
    : [invalidField('roleRef', object['roleRef'], 'cannot change roleRef')];
}

export const roleBindingStrategy: Strategy = {
  checkName: checkPathSegment,
  applyDefaults,
  validate: (object) => validate(object, true),
  validateUpdate,
};

export const clusterRoleBindingStrategy: Strategy = {
  ...roleBindingStrategy,
  validate: (object) => validate(object, false),
};
