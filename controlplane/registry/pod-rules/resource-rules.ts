// What containers ask for and may use at most: names, amounts, and how the two go together.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  invalidFields,
  notFoundField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { qualifiedNameProblems } from '#controlplane/api/names.ts';
import type { Quantity } from '#platform/quantity.ts';
import { compareQuantities, parseQuantity } from '#platform/quantity.ts';

const HUGE_PAGES = 'hugepages-';
const ONE = 1_000_000_000n;
const OF_CONTAINERS: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
/** What has a meaning somewhere, if not in a container. */
const STANDARD: ReadonlySet<string> = new Set([
  ...OF_CONTAINERS,
  'configmaps',
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
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
  'storage',
]);
const COUNTS: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
  'services.loadbalancers',
  'services.nodeports',
]);

const isHugePages = (name: string): boolean => name.startsWith(HUGE_PAGES);
/** What can be promised only once. */
const isExclusive = (name: string): boolean =>
  isHugePages(name) || (name.includes('/') && !isNative(name));
const isNative = (name: string): boolean =>
  !name.includes('/') || name.slice(0, name.indexOf('/')).endsWith('kubernetes.io');

function quantityAt(amounts: unknown, name: string): Quantity | undefined {
  return quantityOf(objectAt(amounts)[name]);
}

/** JSON may have a number for one. */
export function quantityOf(value: unknown): Quantity | undefined {
  const isOne = typeof value === 'string' || typeof value === 'number';
  return isOne ? parseQuantity(String(value)) : undefined;
}

function validateName(name: string, field: string): readonly FieldError[] {
  const problems = [...qualifiedNameProblems(name)];
  if (problems.length === 0 && !name.includes('/')) {
    if (!STANDARD.has(name) && !isHugePages(name))
      problems.push('must be a standard resource type or fully qualified');
    if (!OF_CONTAINERS.has(name) && !isHugePages(name))
      problems.push('must be a standard resource for containers');
  } else if (!name.includes('/')) problems.push('must be a standard resource for containers');
  return invalidFields(field, name, problems);
}

/** An amount of a resource: not negative, and whole where there are no parts of one. */
export function validateAmount(name: string, value: unknown, field: string): readonly FieldError[] {
  const quantity = quantityOf(value);
  if (quantity === undefined)
    return [invalidField(field, value, 'must be a quantity such as 500m, 1.5 or 128Mi')];
  const errors: FieldError[] = [];
  if (quantity.nano < 0n)
    errors.push(invalidField(field, value, 'must be greater than or equal to 0'));
  const isWhole = COUNTS.has(name) || (name.includes('/') && !isNative(name));
  if (isWhole && quantity.nano % ONE !== 0n)
    errors.push(invalidField(field, value, 'must be an integer'));
  if (isHugePages(name)) {
    const size = parseQuantity(name.slice(HUGE_PAGES.length));
    if (size === undefined || size.nano <= 0n || quantity.nano % size.nano !== 0n)
      errors.push(
        invalidField(field, value, `${String(value)} is not positive integer multiple of ${name}`),
      );
  }
  return errors;
}

/** @param claims names in the Pod's resourceClaims; undefined: the resources of the Pod as a whole */
export function validateResources(
  resources: unknown,
  at: string,
  claims: ReadonlySet<string> | undefined,
): readonly FieldError[] {
  const limits = objectAt(resources, 'limits');
  const requests = objectAt(resources, 'requests');
  const errors: FieldError[] = [];
  for (const [part, amounts] of Object.entries({ limits, requests })) {
    for (const [name, value] of Object.entries(amounts)) {
      const field = `${at}.${part}[${name}]`;
      if (claims !== undefined) errors.push(...validateName(name, field));
      else if (name !== 'cpu' && name !== 'memory' && !isHugePages(name))
        errors.push(unsupportedField(field, name, ['cpu', HUGE_PAGES, 'memory']));
      errors.push(...validateAmount(name, value, field));
    }
  }
  for (const name of Object.keys(requests)) {
    const asked = quantityAt(requests, name);
    const most = quantityAt(limits, name);
    const field = `${at}.requests`;
    if (asked === undefined) continue;
    if (most === undefined) {
      if (isExclusive(name))
        errors.push(
          requiredField(`${at}.limits`, 'Limit must be set for non overcommitable resources'),
        );
    } else if (isExclusive(name) && compareQuantities(asked, most) !== 0) {
      const why = `must be equal to ${name} limit of ${String(limits[name])}`;
      errors.push(invalidField(field, requests[name], why));
    } else if (compareQuantities(asked, most) > 0) {
      const why = `must be less than or equal to ${name} limit of ${String(limits[name])}`;
      errors.push(invalidField(field, requests[name], why));
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbiddenField(at, 'HugePages require cpu or memory'));
  return [...errors, ...validateClaims(resources, at, claims ?? new Set())];
}

function validateClaims(
  resources: unknown,
  at: string,
  known: ReadonlySet<string>,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, claim] of listAt(resources, 'claims').entries()) {
    const field = `${at}.claims[${index}]`;
    const name = stringAt(claim, 'name');
    if (name === '') {
      errors.push(requiredField(field));
      continue;
    }
    const key = `${name}/${stringAt(claim, 'request')}`;
    if (seen.has(key)) errors.push(duplicateField(field, name));
    seen.add(key);
    if (known.has(name)) continue;
    const rest = known.size === 0 ? ' which is empty' : '';
    errors.push(
      notFoundField(field, name, `must be one of the names in pod.spec.resourceClaims${rest}`),
    );
  }
  return errors;
}

const POLICIES = ['NotRequired', 'RestartContainer'] as const;

/** What changing CPU or memory in place does to the container. */
export function validateResizePolicy(
  container: unknown,
  at: string,
  podRestartPolicy: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const field = `${at}.resizePolicy`;
  const seen = new Set<string>();
  for (const [index, policy] of listAt(container, 'resizePolicy').entries()) {
    const name = stringAt(policy, 'resourceName');
    const restart = stringAt(policy, 'restartPolicy');
    if (seen.has(name)) errors.push(duplicateField(`${field}[${index}]`, name));
    seen.add(name);
    if (name === '') errors.push(requiredField(field));
    else if (name !== 'cpu' && name !== 'memory')
      errors.push(unsupportedField(field, name, ['cpu', 'memory']));
    if (restart === '') errors.push(requiredField(field));
    else if (!POLICIES.some((known) => known === restart))
      errors.push(unsupportedField(field, restart, POLICIES));
    if (podRestartPolicy === 'Never' && restart !== 'NotRequired') {
      const why = "must be 'NotRequired' when `restartPolicy` is 'Never'";
      errors.push(invalidField(field, restart, why));
    }
  }
  return errors;
}
