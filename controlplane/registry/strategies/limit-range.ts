// LimitRange: what Pods get that ask for nothing, and how much they may ask for.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  requiredField,
} from '#controlplane/api/field-errors.ts';
import { isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import { compareQuantities, parseQuantity } from '#platform/quantity.ts';
import type { Strategy } from '../strategy.ts';
import { canonicalizeAmounts } from './amounts.ts';

const AMOUNTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
type Amounts = (typeof AMOUNTS)[number];

const ONE = { nano: 1_000_000_000n } as const;

/** For containers what is not said follows from what is: limit from max, request from limit, then from min. */
function defaultItem(item: JSONObject): void {
  for (const part of AMOUNTS) canonicalizeAmounts(objectAt(item, part));
  if (item['type'] !== 'Container') return;
  const limit = { ...objectAt(item, 'max'), ...objectAt(item, 'default') };
  const request = { ...objectAt(item, 'min'), ...limit, ...objectAt(item, 'defaultRequest') };
  if (Object.keys(limit).length > 0) item['default'] = limit;
  if (Object.keys(request).length > 0) item['defaultRequest'] = request;
}

/** Pairs of which the first must not exceed the second, and how upstream says so. */
const ORDER: readonly (readonly [Amounts, Amounts, Amounts, string, string])[] = [
  ['min', 'max', 'min', 'min value', 'max value'],
  ['min', 'defaultRequest', 'defaultRequest', 'min value', 'default request value'],
  ['defaultRequest', 'max', 'defaultRequest', 'default request value', 'max value'],
  ['defaultRequest', 'default', 'defaultRequest', 'default request value', 'default limit value'],
  ['min', 'default', 'default', 'min value', 'default value'],
  ['default', 'max', 'default', 'default value', 'max value'],
];

function validateItem(item: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = stringAt(item, 'type');
  if (type === 'Pod') {
    for (const part of ['default', 'defaultRequest']) {
      if (Object.keys(objectAt(item, part)).length === 0) continue;
      errors.push(forbiddenField(`${field}.${part}`, "may not be specified when `type` is 'Pod'"));
    }
  }
  const has = (part: Amounts): boolean => objectAt(item, part)['storage'] !== undefined;
  if (type === 'PersistentVolumeClaim' && !has('min') && !has('max')) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(requiredField(`${field}.limits`, why));
  }
  const resources = new Set(AMOUNTS.flatMap((part) => Object.keys(objectAt(item, part))));
  for (const resource of resources) errors.push(...validateResource(item, field, resource));
  return errors;
}

function validateResource(item: unknown, field: string, resource: string): FieldError[] {
  const errors: FieldError[] = [];
  const text = (part: Amounts): string => stringAt(objectAt(item, part), resource);
  const amount = (part: Amounts): ReturnType<typeof parseQuantity> =>
    text(part) === '' ? undefined : parseQuantity(text(part));
  for (const [small, large, at, smallName, largeName] of ORDER) {
    const [low, high] = [amount(small), amount(large)];
    if (low === undefined || high === undefined || compareQuantities(low, high) <= 0) continue;
    const why = `${smallName} ${text(small)} is greater than ${largeName} ${text(large)}`;
    errors.push(invalidField(`${field}.${at}[${resource}]`, text(at), why));
  }
  const ratio = amount('maxLimitRequestRatio');
  if (ratio !== undefined && ratio.nano < ONE.nano) {
    const shown = text('maxLimitRequestRatio');
    const at = `${field}.maxLimitRequestRatio[${resource}]`;
    errors.push(invalidField(at, shown, `ratio ${shown} is less than 1`));
  }
  return errors;
}

export const limitRangeStrategy: Strategy = {
  createsOnUpdate: true,
  applyDefaults(object) {
    for (const item of listAt(object, 'spec', 'limits')) if (isObject(item)) defaultItem(item);
  },
  validate(object) {
    const types = new Set<string>();
    return listAt(object, 'spec', 'limits').flatMap((item, index) => {
      const field = `spec.limits[${index}]`;
      const type = stringAt(item, 'type');
      const errors = validateItem(item, field);
      if (types.has(type)) errors.push(duplicateField(`${field}.type`, type));
      types.add(type);
      return errors;
    });
  },
};
