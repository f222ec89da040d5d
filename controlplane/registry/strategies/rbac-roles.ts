// Role and ClusterRole: each rule is about resources or, in ClusterRoles, about paths; a ClusterRole may gather the rules of others.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt } from '#controlplane/api/fields.ts';
import { checkPathSegment } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from '../strategy.ts';
import { validateLabelSelector } from './label-selector.ts';

function validateRule(rule: unknown, field: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const has = (part: string): boolean => listAt(rule, part).length > 0;
  if (!has('verbs')) {
    errors.push(requiredField(`${field}.verbs`, 'verbs must contain at least one value'));
  }
  if (has('nonResourceURLs')) {
    const paths = listAt(rule, 'nonResourceURLs');
    const wrong = (why: string): FieldError => invalidField(`${field}.nonResourceURLs`, paths, why);
    if (namespaced) errors.push(wrong('namespaced rules cannot apply to non-resource URLs'));
    if (has('apiGroups') || has('resources') || has('resourceNames')) {
      errors.push(wrong('rules cannot apply to both regular resources and non-resource URLs'));
    }
    return errors;
  }
  if (!has('apiGroups')) {
    const why = 'resource rules must supply at least one api group';
    errors.push(requiredField(`${field}.apiGroups`, why));
  }
  if (!has('resources')) {
    const why = 'resource rules must supply at least one resource';
    errors.push(requiredField(`${field}.resources`, why));
  }
  return errors;
}

function validateRules(object: KubernetesObject, namespaced: boolean): FieldError[] {
  return listAt(object, 'rules').flatMap((rule, index) =>
    validateRule(rule, `rules[${index}]`, namespaced),
  );
}

function validateAggregation(object: KubernetesObject): FieldError[] {
  if (fieldAt(object, 'aggregationRule') === undefined) return [];
  const field = 'aggregationRule.clusterRoleSelectors';
  const selectors = listAt(object, 'aggregationRule', 'clusterRoleSelectors');
  if (selectors.length === 0) {
    const why = 'at least one clusterRoleSelector required if aggregationRule is non-nil';
    return [requiredField(field, why)];
  }
  return selectors.flatMap((selector, index) =>
    validateLabelSelector(selector, `${field}[${index}]`),
  );
}

export const roleStrategy: Strategy = {
  checkName: checkPathSegment,
  validate: (object) => validateRules(object, true),
};

export const clusterRoleStrategy: Strategy = {
  checkName: checkPathSegment,
  validate: (object) => [...validateRules(object, false), ...validateAggregation(object)],
};
