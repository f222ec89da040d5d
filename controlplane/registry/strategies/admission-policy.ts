// Admission policies and their bindings: parts that must be there and agree. Their expressions are not evaluated yet.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from '../strategy.ts';
import { validateMatchConditions, validateRules } from './admission-rules.ts';
import { validateLabelSelector } from './label-selector.ts';

const NOT_FOUND_ACTIONS = ['Allow', 'Deny'];
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

function validateMatch(match: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const selector of ['namespaceSelector', 'objectSelector']) {
    errors.push(...validateLabelSelector(fieldAt(match, selector), `${field}.${selector}`));
  }
  for (const list of ['resourceRules', 'excludeResourceRules']) {
    for (const [index, rule] of listAt(match, list).entries())
      errors.push(...validateRules(rule, `${field}.${list}[${index}]`));
  }
  return errors;
}

function validatePolicy(object: KubernetesObject): FieldError[] {
  const spec = objectAt(object, 'spec');
  const match = fieldAt(spec, 'matchConstraints');
  const errors = validateMatch(match, 'spec.matchConstraints');
  if (match === undefined) errors.push(requiredField('spec.matchConstraints'));
  else if (listAt(match, 'resourceRules').length === 0) {
    errors.push(requiredField('spec.matchConstraints.resourceRules'));
  }
  const kind = fieldAt(spec, 'paramKind');
  for (const part of ['apiVersion', 'kind']) {
    if (kind !== undefined && stringAt(kind, part) === '') {
      errors.push(requiredField(`spec.paramKind.${part}`));
    }
  }
  const names = new Set<string>();
  for (const [index, variable] of listAt(spec, 'variables').entries()) {
    const field = `spec.variables[${index}].name`;
    const name = stringAt(variable, 'name');
    if (!IDENTIFIER.test(name)) {
      errors.push(invalidField(field, name, 'must be a valid CEL identifier'));
    } else if (names.has(name)) errors.push(duplicateField(field, name));
    names.add(name);
  }
  return [...errors, ...validateMatchConditions(spec, 'spec')];
}

function validateParamRef(object: KubernetesObject): FieldError[] {
  const reference = fieldAt(object, 'spec', 'paramRef');
  if (reference === undefined) return [];
  const field = 'spec.paramRef';
  const errors: FieldError[] = [];
  const hasName = stringAt(reference, 'name') !== '';
  const hasSelector = fieldAt(reference, 'selector') !== undefined;
  if (hasName && hasSelector) {
    errors.push(forbiddenField(`${field}.name`, 'name and selector are mutually exclusive'));
  } else if (!hasName && !hasSelector) {
    errors.push(requiredField(field, 'one of name or selector must be specified'));
  }
  const action = stringAt(reference, 'parameterNotFoundAction');
  const at = `${field}.parameterNotFoundAction`;
  if (action === '') errors.push(requiredField(at));
  else if (!NOT_FOUND_ACTIONS.includes(action)) {
    errors.push(unsupportedField(at, action, NOT_FOUND_ACTIONS));
  }
  return errors;
}

function validateBinding(object: KubernetesObject): FieldError[] {
  const errors = validateParamRef(object);
  if (stringAt(object, 'spec', 'policyName') === '') errors.push(requiredField('spec.policyName'));
  const match = fieldAt(object, 'spec', 'matchResources');
  return [...errors, ...validateMatch(match, 'spec.matchResources')];
}

const counted = { hasGeneration: true, needsResourceVersion: true } as const;

export const validatingPolicyStrategy: Strategy = {
  ...counted,
  validate(object) {
    const errors = validatePolicy(object);
    const spec = objectAt(object, 'spec');
    const lists = ['validations', 'auditAnnotations'] as const;
    if (lists.every((list) => listAt(spec, list).length === 0)) {
      const why = 'validations or auditAnnotations must contain at least one item';
      errors.push(...lists.map((list) => requiredField(`spec.${list}`, why)));
    }
    return errors;
  },
};

export const mutatingPolicyStrategy: Strategy = {
  ...counted,
  validate(object) {
    const errors = validatePolicy(object);
    if (listAt(object, 'spec', 'mutations').length === 0) {
      const why = 'mutations must contain at least one item';
      errors.push(requiredField('spec.mutations', why));
    }
    return errors;
  },
};

export const validatingBindingStrategy: Strategy = {
  ...counted,
  validate(object) {
    const errors = validateBinding(object);
    const field = 'spec.validationActions';
    const actions = listAt(object, 'spec', 'validationActions');
    if (actions.length === 0) {
      errors.push(requiredField(field, 'at least one validation action is required'));
    }
    for (const [index, action] of actions.entries()) {
      if (actions.indexOf(action) < index)
        errors.push(duplicateField(`${field}[${index}]`, action));
    }
    if (actions.includes('Deny') && actions.includes('Warn')) {
      const why =
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
      errors.push(invalidField(field, actions, why));
    }
    return errors;
  },
};

export const mutatingBindingStrategy: Strategy = { ...counted, validate: validateBinding };
