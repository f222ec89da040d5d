// ResourceQuota: amounts of things that a namespace may hold. Kept and checked; nothing is refused because of one yet.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt } from '#controlplane/api/fields.ts';
import { checkQualifiedName } from '#controlplane/api/names.ts';
import { parseQuantity } from '#controlplane/api/quantity.ts';
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

const sortedScopes = (object: unknown): string[] =>
  listAt(object, 'spec', 'scopes')
    .map(String)
    .toSorted((a, b) => (a < b ? -1 : 1));

export const resourceQuotaStrategy: Strategy = {
  prepareForCreate(object) {
    object['status'] = {};
  },
  applyDefaults: (object) => canonicalizeAmounts(objectAt(object, 'spec', 'hard')),
  validate: (object) => validateAmounts(objectAt(object, 'spec', 'hard'), 'spec.hard'),
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
