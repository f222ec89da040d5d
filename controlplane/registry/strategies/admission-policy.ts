// Admission policies and their bindings: parts that must be there and agree, and expressions that must compile; those that validate.
import { policyVariables } from '#controlplane/api/cel/admission-variables.ts';
import { composeVariables } from '#controlplane/api/cel/composed-variables.ts';
import type { VariableType } from '#controlplane/api/cel/expressions.ts';
import { loadedExpressions } from '#controlplane/api/cel/load.ts';
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkQualifiedName } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from '../strategy.ts';
import { validateExpression, validateMatchConditions, validateRules } from './admission-rules.ts';
import { validateLabelSelector } from './label-selector.ts';

const UNSPECIFIED = 'expression is not specified';
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
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

/** Types of what the expressions of a policy see, and what is wrong with its own variables. */
export function policyTypes(object: KubernetesObject): {
  readonly types: Readonly<Record<string, VariableType>>;
  readonly problems: readonly FieldError[];
} {
  const spec = objectAt(object, 'spec');
  const definitions = listAt(spec, 'variables').map((one) => ({
    name: stringAt(one, 'name'),
    text: stringAt(one, 'expression'),
  }));
  const { types, variables } = composeVariables(
    loadedExpressions().compileExpression,
    policyVariables(spec['paramKind'] !== undefined),
    definitions,
  );
  const problems = definitions.flatMap(({ name, text }, index) => {
    const field = `spec.variables[${index}].expression`;
    if (text.trim() === '') return [requiredField(field, UNSPECIFIED)];
    const compiled = variables.get(name)?.compiled;
    return compiled !== undefined && 'problem' in compiled
      ? [invalidField(field, text, compiled.problem)]
      : [];
  });
  return { types, problems };
}

function validateExpressions(object: KubernetesObject): FieldError[] {
  const { types } = policyTypes(object);
  const spec = objectAt(object, 'spec');
  const validations = listAt(spec, 'validations').flatMap((validation, index) => {
    const field = `spec.validations[${index}]`;
    const expression = stringAt(validation, 'expression');
    const message = stringAt(validation, 'messageExpression');
    const reason = stringAt(validation, 'reason');
    const text = stringAt(validation, 'message');
    return [
      ...(expression.trim() === ''
        ? [requiredField(`${field}.expression`, UNSPECIFIED)]
        : validateExpression(expression, 'bool', `${field}.expression`, types)),
      ...(message.trim() === ''
        ? []
        : validateExpression(message, 'string', `${field}.messageExpression`, types)),
      ...(/[\r\n]/.test(text)
        ? [invalidField(`${field}.message`, text, 'must not contain line breaks')]
        : []),
      ...(reason === '' || REASONS.includes(reason)
        ? []
        : [unsupportedField(`${field}.reason`, reason, REASONS)]),
    ];
  });
  const annotations = listAt(spec, 'auditAnnotations').flatMap((annotation, index) => {
    const field = `spec.auditAnnotations[${index}].valueExpression`;
    const expression = stringAt(annotation, 'valueExpression');
    const key = `${object.metadata.name ?? ''}/${stringAt(annotation, 'key')}`;
    const wrong = checkQualifiedName(key);
    const wrongKey =
      wrong === undefined ? [] : [invalidField(`spec.auditAnnotations[${index}].key`, key, wrong)];
    if (expression.trim() === '') {
      return [...wrongKey, requiredField(field, 'valueExpression is not specified')];
    }
    return [...wrongKey, ...validateExpression(expression, ['string', 'null_type'], field, types)];
  });
  return [...validations, ...annotations];
}

export function validatePolicy(object: KubernetesObject): FieldError[] {
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
  const { types, problems } = policyTypes(object);
  return [...errors, ...validateMatchConditions(spec, 'spec', types), ...problems];
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

export function validateBinding(object: KubernetesObject): FieldError[] {
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
    return [...errors, ...validateExpressions(object)];
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
