// Admission policies and their bindings, read once when they change.
import { fieldAt, isObject, listAt, objectAt, stringAt } from '../../api/fields.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { parseAPIVersion } from '../../api/object.ts';
import { labelSelectorOf } from '../../api/selectors.ts';
import type { LabelSelector } from '../../api/selectors.ts';
import { readRule } from '../resource-rule.ts';
import type { ResourceRule } from '../resource-rule.ts';
import { readSelectors } from '../selected.ts';
import type { Selectors } from '../selected.ts';

/** Which writes a policy or binding is about. */
export interface PolicyMatch {
  /** Of a binding: all when empty. */
  readonly rules: readonly ResourceRule[];
  readonly excluded: readonly ResourceRule[];
  /** Writes in other versions of a kind count too. */
  readonly equivalent: boolean;
  readonly selectors: Selectors;
}

export interface ParamKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface NamedExpression {
  readonly name: string;
  readonly text: string;
}

export interface Validation {
  readonly text: string;
  /** '' for none. */
  readonly message: string;
  readonly messageExpression: string;
  readonly reason: string;
}

/** What policies that validate and those that mutate have in common. */
export interface Policy {
  readonly name: string;
  readonly failsOpen: boolean;
  readonly match: PolicyMatch;
  readonly conditions: readonly unknown[];
  readonly paramKind: ParamKind | undefined;
  readonly variables: readonly NamedExpression[];
}

export interface ValidatingPolicy extends Policy {
  readonly validations: readonly Validation[];
  readonly auditAnnotations: readonly NamedExpression[];
}

export interface Mutation {
  readonly type: 'ApplyConfiguration' | 'JSONPatch';
  readonly text: string;
}

export interface MutatingPolicy extends Policy {
  readonly mutations: readonly Mutation[];
  /** Asked once more when others change the object after it. */
  readonly reinvokes: boolean;
}

export interface ParamRef {
  /** '' for those that the selector chooses. */
  readonly name: string;
  /** '' for that of the request. */
  readonly namespace: string;
  readonly selector: LabelSelector;
  /** Nobody found: goes on as if there were no binding. */
  readonly allowsNone: boolean;
}

export interface PolicyBinding {
  readonly name: string;
  readonly policy: string;
  readonly param: ParamRef | undefined;
  readonly match: PolicyMatch | undefined;
  readonly actions: readonly string[];
}

function readMatch(source: unknown): PolicyMatch {
  return {
    rules: listAt(source, 'resourceRules').map(readRule),
    excluded: listAt(source, 'excludeResourceRules').map(readRule),
    equivalent: stringAt(source, 'matchPolicy') !== 'Exact',
    selectors: readSelectors(objectAt(source)),
  };
}

function readCommon(object: KubernetesObject): Policy {
  const spec = objectAt(object, 'spec');
  const param = fieldAt(spec, 'paramKind');
  return {
    name: object.metadata.name ?? '',
    failsOpen: stringAt(spec, 'failurePolicy') === 'Ignore',
    match: readMatch(spec['matchConstraints']),
    conditions: listAt(spec, 'matchConditions'),
    paramKind:
      param === undefined
        ? undefined
        : { ...parseAPIVersion(stringAt(param, 'apiVersion')), kind: stringAt(param, 'kind') },
    variables: listAt(spec, 'variables').map((one) => ({
      name: stringAt(one, 'name'),
      text: stringAt(one, 'expression'),
    })),
  };
}

export function readMutatingPolicy(object: KubernetesObject): MutatingPolicy {
  const spec = objectAt(object, 'spec');
  return {
    ...readCommon(object),
    mutations: listAt(spec, 'mutations').map((one) =>
      stringAt(one, 'patchType') === 'JSONPatch'
        ? { type: 'JSONPatch', text: stringAt(one, 'jsonPatch', 'expression') }
        : { type: 'ApplyConfiguration', text: stringAt(one, 'applyConfiguration', 'expression') },
    ),
    reinvokes: stringAt(spec, 'reinvocationPolicy') === 'IfNeeded',
  };
}

export function readValidatingPolicy(object: KubernetesObject): ValidatingPolicy {
  const spec = objectAt(object, 'spec');
  return {
    ...readCommon(object),
    validations: listAt(spec, 'validations').map((one) => ({
      text: stringAt(one, 'expression'),
      message: stringAt(one, 'message'),
      messageExpression: stringAt(one, 'messageExpression'),
      reason: stringAt(one, 'reason') || 'Invalid',
    })),
    auditAnnotations: listAt(spec, 'auditAnnotations').map((one) => ({
      name: stringAt(one, 'key'),
      text: stringAt(one, 'valueExpression'),
    })),
  };
}

export function readBinding(object: KubernetesObject): PolicyBinding {
  const spec = objectAt(object, 'spec');
  const param = fieldAt(spec, 'paramRef');
  const selector = fieldAt(param, 'selector');
  return {
    name: object.metadata.name ?? '',
    policy: stringAt(spec, 'policyName'),
    param:
      param === undefined
        ? undefined
        : {
            name: stringAt(param, 'name'),
            namespace: stringAt(param, 'namespace'),
            selector: isObject(selector) ? labelSelectorOf(selector) : [],
            allowsNone: stringAt(param, 'parameterNotFoundAction') === 'Allow',
          },
    match: spec['matchResources'] === undefined ? undefined : readMatch(spec['matchResources']),
    actions: listAt(spec, 'validationActions').map(String),
  };
}
