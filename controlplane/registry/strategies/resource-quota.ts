// ResourceQuota: amounts of things that a namespace may hold. What is counted of what: quota-ledger.ts.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { checkQualifiedName } from '#controlplane/api/names.ts';
import { parseQuantity } from '#platform/quantity.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';
import { canonicalizeAmounts } from './amounts.ts';

const PLAIN_NAMES: ReadonlySet<string> = new Set([
  'configmaps',
  'cpu',
  'ephemeral-storage',
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'memory',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
  'requests.storage',
  'resourcequotas',
  'secrets',
  'services',
  'services.loadbalancers',
  'services.nodeports',
]);
const PREFIXES = ['hugepages-', 'requests.hugepages-', 'limits.hugepages-', 'count/'];

function nameProblem(name: string): string | undefined {
  if (PLAIN_NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))) return undefined;
  const wrong = checkQualifiedName(name);
  if (wrong !== undefined) return wrong;
  return name.includes('/') ? undefined : 'must be a standard resource for quota';
}

function validateAmounts(amounts: unknown, field: string): FieldError[] {
  return Object.entries(objectAt(amounts)).flatMap(([name, value]) => {
    const at = `${field}[${name}]`;
    const wrong = nameProblem(name);
    const quantity = parseQuantity(String(value));
    return [
      ...(wrong === undefined ? [] : [invalidField(at, name, wrong)]),
      ...(quantity !== undefined && quantity.nano < 0n
        ? [invalidField(at, value, 'must be greater than or equal to 0')]
        : []),
    ];
  });
}

const COMPUTE: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'limits.cpu',
  'limits.memory',
  'requests.cpu',
  'requests.memory',
]);
const POD_SCOPES = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort'];
const SCOPES: ReadonlySet<string> = new Set([
  ...POD_SCOPES,
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
]);
/** Scopes that hold or do not, without values. */
const VALUELESS: ReadonlySet<string> = new Set([...POD_SCOPES, 'CrossNamespacePodAffinity']);
const CONFLICTING = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

/** Whether a quota with the scope may have the amount; names of others are not judged. */
function scopeFits(scope: string, name: string): boolean {
  if (!PLAIN_NAMES.has(name)) return true;
  if (scope === 'VolumeAttributesClass')
    return name === 'persistentvolumeclaims' || name === 'requests.storage';
  return name === 'pods' || (scope !== 'BestEffort' && COMPUTE.has(name));
}

function validateScopes(object: KubernetesObject): FieldError[] {
  const field = 'spec.scopes';
  const scopes = listAt(object, 'spec', 'scopes').map(String);
  const names = Object.keys(objectAt(object, 'spec', 'hard'));
  const errors = scopes.flatMap((scope) => [
    ...(SCOPES.has(scope) ? [] : [invalidField(field, scopes, 'unsupported scope')]),
    ...(SCOPES.has(scope) ? names : [])
      .filter((name) => !scopeFits(scope, name))
      .map(() => invalidField(field, scopes, 'unsupported scope applied to resource')),
  ]);
  for (const pair of CONFLICTING)
    if (pair.every((scope) => scopes.includes(scope)))
      errors.push(invalidField(field, scopes, 'conflicting scopes'));
  return errors;
}

/** As upstream shows it. */
function selectorShown(object: KubernetesObject): unknown {
  const all = listAt(object, 'spec', 'scopeSelector', 'matchExpressions').map((one) => {
    const { scopeName, operator, values = null } = objectAt(one);
    return { ScopeName: scopeName, Operator: operator, Values: values };
  });
  return { MatchExpressions: all };
}

function validateSelector(object: KubernetesObject): FieldError[] {
  const names = Object.keys(objectAt(object, 'spec', 'hard'));
  const field = 'spec.scopeSelector.matchExpressions';
  return listAt(object, 'spec', 'scopeSelector', 'matchExpressions').flatMap((expression) => {
    const errors: FieldError[] = [];
    const scope = stringAt(expression, 'scopeName');
    const operator = stringAt(expression, 'operator');
    const values = listAt(expression, 'values');
    if (!SCOPES.has(scope))
      errors.push(invalidField(`${field}.scopeName`, scope, 'unsupported scope'));
    else if (names.some((name) => !scopeFits(scope, name)))
      errors.push(
        invalidField(field, selectorShown(object), 'unsupported scope applied to resource'),
      );
    if (VALUELESS.has(scope) && operator !== 'Exists')
      errors.push(
        invalidField(
          `${field}.operator`,
          operator,
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
    if (operator === 'In' || operator === 'NotIn') {
      const why =
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) errors.push(requiredField(`${field}.values`, why));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const why =
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) errors.push(invalidField(`${field}.values`, values, why));
    } else
      errors.push(invalidField(`${field}.operator`, operator, 'not a valid selector operator'));
    return errors;
  });
}

const sortedScopes = (object: unknown): string[] =>
  listAt(object, 'spec', 'scopes')
    .map(String)
    .toSorted((a, b) => (a < b ? -1 : 1));

export const resourceQuotaStrategy: Strategy = {
  prepareForCreate(object) {
    object['status'] = {};
  },
  applyDefaults: (object) => canonicalizeAmounts(objectAt(object, 'spec', 'hard')),
  validate: (object) => [
    ...validateAmounts(objectAt(object, 'spec', 'hard'), 'spec.hard'),
    ...validateScopes(object),
    ...validateSelector(object),
  ],
  validateUpdate(object, old, subresource) {
    if (subresource === 'status') {
      return [
        ...validateAmounts(objectAt(object, 'status', 'hard'), 'status.hard'),
        ...validateAmounts(objectAt(object, 'status', 'used'), 'status.used'),
      ];
    }
    const scopes = sortedScopes(object);
    return sameJSON(scopes, sortedScopes(old))
      ? []
      : [invalidField('spec.scopes', scopes, 'field is immutable')];
  },
};
