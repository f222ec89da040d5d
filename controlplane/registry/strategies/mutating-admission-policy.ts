// MutatingAdmissionPolicies: beside what all admission policies have, mutations that are of a known sort and compile.
import type { VariableType } from '#controlplane/api/cel/expressions.ts';
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField, unsupportedField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from '../strategy.ts';
import { policyTypes, validateBinding, validatePolicy } from './admission-policy.ts';
import { validateMutation } from './admission-rules.ts';

/** Sorts of mutations: the field each is written in, and what its expression must give. */
const PATCHES = {
  ApplyConfiguration: { field: 'applyConfiguration', type: 'Object' },
  JSONPatch: { field: 'jsonPatch', type: 'list(JSONPatch)' },
} as const;
const PATCH_TYPES = Object.keys(PATCHES);
const REINVOCATIONS = ['IfNeeded', 'Never'];
/** Nothing can be changed about a deletion. */
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

const isPatchType = (name: string): name is keyof typeof PATCHES => Object.hasOwn(PATCHES, name);

function validateOne(
  mutation: unknown,
  at: string,
  types: Readonly<Record<string, VariableType>>,
): FieldError[] {
  const sort = stringAt(mutation, 'patchType');
  if (sort === '') return [requiredField(`${at}.patchType`)];
  if (!isPatchType(sort)) return [unsupportedField(`${at}.patchType`, sort, PATCH_TYPES)];
  const { field, type } = PATCHES[sort];
  const errors: FieldError[] = [];
  const text = stringAt(mutation, field, 'expression').trim();
  if (fieldAt(mutation, field) === undefined) {
    errors.push(requiredField(`${at}.${field}`, `must be specified when patchType is ${sort}`));
  } else if (text === '') errors.push(requiredField(`${at}.${field}.expression`));
  else errors.push(...validateMutation(text, type, `${at}.${field}.expression`, types));
  for (const { field: other } of Object.values(PATCHES)) {
    if (other === field || fieldAt(mutation, other) === undefined) continue;
    const why = `must not be specified when patchType is ${sort}`;
    errors.push(invalidField(`${at}.${other}`, `{${other}}`, why));
  }
  return errors;
}

function validate(object: KubernetesObject): FieldError[] {
  const spec = objectAt(object, 'spec');
  const errors = validatePolicy(object);
  const operations = listAt(spec, 'matchConstraints', 'resourceRules').flatMap((rule) =>
    listAt(rule, 'operations').map(String),
  );
  for (const operation of operations.filter((one) => !OPERATIONS.includes(one))) {
    const field = 'spec.matchConstraints.resourceRules.operations';
    errors.push(unsupportedField(field, operation, OPERATIONS));
  }
  const { types } = policyTypes(object);
  const mutations = listAt(spec, 'mutations');
  if (mutations.length === 0) {
    errors.push(requiredField('spec.mutations', 'mutations must contain at least one item'));
  }
  errors.push(
    ...mutations.flatMap((mutation, index) =>
      validateOne(mutation, `spec.mutations[${index}]`, types),
    ),
  );
  const reinvocation = stringAt(spec, 'reinvocationPolicy');
  const field = 'spec.reinvocationPolicy';
  if (reinvocation === '') errors.push(requiredField(field));
  else if (!REINVOCATIONS.includes(reinvocation)) {
    errors.push(unsupportedField(field, reinvocation, REINVOCATIONS));
  }
  return errors;
}

const counted = { hasGeneration: true, needsResourceVersion: true } as const;

export const mutatingPolicyStrategy: Strategy = { ...counted, validate };

export const mutatingBindingStrategy: Strategy = { ...counted, validate: validateBinding };
