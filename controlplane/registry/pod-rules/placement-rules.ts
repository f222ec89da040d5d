// Where a Pod may run: selectors of nodes, affinity, tolerations, spreading.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import {
  checkDNSLabel,
  checkDNSSubdomain,
  checkLabelValue,
  qualifiedNameProblems,
} from '#controlplane/api/names.ts';
import { sameJSON } from '../equality.ts';
import { validateLabelSelector } from '../strategies/label-selector.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const NO_OPERATOR = 'not a valid selector operator';
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'] as const;
const HONOR = ['Honor', 'Ignore'] as const;

/** Labels with one value each, of nodes or Pods. */
export function validateLabels(labels: unknown, field: string): readonly FieldError[] {
  return Object.entries(objectAt(labels)).flatMap(([key, value]) => [
    ...invalidFields(field, key, qualifiedNameProblems(key)),
    ...invalidFields(field, value, checkLabelValue(String(value))),
  ]);
}

function validateNodeRequirement(requirement: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const key = stringAt(requirement, 'key');
  const values = listAt(requirement, 'values');
  switch (stringAt(requirement, 'operator')) {
    case 'In':
    case 'NotIn':
      if (values.length === 0)
        errors.push(
          requiredField(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"),
        );
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0)
        errors.push(
          forbiddenField(
            `${field}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1)
        errors.push(
          requiredField(
            `${field}.values`,
            "must be specified single value when `operator` is 'Lt' or 'Gt'",
          ),
        );
      break;
    default:
      errors.push(
        invalidField(`${field}.operator`, stringAt(requirement, 'operator'), NO_OPERATOR),
      );
  }
  errors.push(...invalidFields(`${field}.key`, key, qualifiedNameProblems(key)));
  for (const [index, value] of values.entries())
    errors.push(
      ...invalidFields(`${field}.values[${index}]`, value, checkLabelValue(String(value))),
    );
  return errors;
}

/** Of fields of the node: its name only. */
function validateNodeField(requirement: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const key = stringAt(requirement, 'key');
  const operator = stringAt(requirement, 'operator');
  const values = listAt(requirement, 'values');
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalidField(`${field}.operator`, operator, NO_OPERATOR));
  else if (values.length !== 1)
    errors.push(
      requiredField(
        `${field}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      ),
    );
  if (key !== 'metadata.name')
    return [...errors, invalidField(`${field}.key`, key, 'not a valid field selector key')];
  for (const [index, value] of values.entries())
    errors.push(
      ...invalidFields(`${field}.values[${index}]`, value, checkDNSSubdomain(String(value))),
    );
  return errors;
}

function validateNodeTerm(term: unknown, field: string): readonly FieldError[] {
  return [
    ...listAt(term, 'matchExpressions').flatMap((requirement, index) =>
      validateNodeRequirement(requirement, `${field}.matchExpressions[${index}]`),
    ),
    ...listAt(term, 'matchFields').flatMap((requirement, index) =>
      validateNodeField(requirement, `${field}.matchFields[${index}]`),
    ),
  ];
}

/** A NodeSelector: one of its terms must hold. */
export function validateNodeSelector(selector: unknown, field: string): readonly FieldError[] {
  const terms = listAt(selector, 'nodeSelectorTerms');
  const at = `${field}.nodeSelectorTerms`;
  if (terms.length === 0) return [requiredField(at, 'must have at least one node selector term')];
  return terms.flatMap((term, index) => validateNodeTerm(term, `${at}[${index}]`));
}

function validatePodTerm(term: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['labelSelector', 'namespaceSelector'] as const)
    errors.push(...validateLabelSelector(fieldAt(term, name), `${field}.${name}`));
  for (const name of listAt(term, 'namespaces'))
    errors.push(...invalidFields(`${field}.namespace`, name, checkDNSLabel(String(name))));
  errors.push(...validateLabelKeys(term, field, 'matchLabelKeys'));
  errors.push(...validateLabelKeys(term, field, 'mismatchLabelKeys'));
  const key = stringAt(term, 'topologyKey');
  if (key === '') errors.push(requiredField(`${field}.topologyKey`, 'can not be empty'));
  errors.push(...invalidFields(`${field}.topologyKey`, key, qualifiedNameProblems(key)));
  return errors;
}

/** Labels of the Pod itself, by which its group is told from other ones. */
function validateLabelKeys(term: unknown, field: string, name: string): readonly FieldError[] {
  const keys = listAt(term, name);
  const at = `${field}.${name}`;
  if (keys.length > 0 && fieldAt(term, 'labelSelector') === undefined)
    return [forbiddenField(at, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, index) =>
    invalidFields(`${at}[${index}]`, key, qualifiedNameProblems(String(key))),
  );
}

function validateWeight(item: unknown, field: string): readonly FieldError[] {
  const weight = numberAt(item, 'weight');
  if (weight >= 1 && weight <= 100) return [];
  return [invalidField(`${field}.weight`, weight, 'must be in the range 1-100')];
}

/** @param field where the Affinity stands */
export function validateAffinity(affinity: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const node = fieldAt(affinity, 'nodeAffinity');
  const required = fieldAt(node, REQUIRED);
  if (required !== undefined)
    errors.push(...validateNodeSelector(required, `${field}.nodeAffinity.${REQUIRED}`));
  for (const [index, term] of listAt(node, PREFERRED).entries()) {
    const at = `${field}.nodeAffinity.${PREFERRED}[${index}]`;
    errors.push(...validateWeight(term, at));
    errors.push(...validateNodeTerm(fieldAt(term, 'preference'), `${at}.preference`));
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = fieldAt(affinity, kind);
    for (const [index, term] of listAt(terms, REQUIRED).entries())
      errors.push(...validatePodTerm(term, `${field}.${kind}.${REQUIRED}[${index}]`));
    for (const [index, term] of listAt(terms, PREFERRED).entries()) {
      const at = `${field}.${kind}.${PREFERRED}[${index}]`;
      errors.push(...validateWeight(term, at));
      errors.push(...validatePodTerm(fieldAt(term, 'podAffinityTerm'), `${at}.podAffinityTerm`));
    }
  }
  return errors;
}

/** @param at the list: `spec.tolerations` */
export function validateTolerations(list: readonly unknown[], at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, toleration] of list.entries()) {
    const field = `${at}[${index}]`;
    const [key, operator, value, effect] = ['key', 'operator', 'value', 'effect'].map((name) =>
      stringAt(toleration, name),
    ) as [string, string, string, string];
    if (key !== '') errors.push(...invalidFields(`${field}.key`, key, qualifiedNameProblems(key)));
    else if (operator !== 'Exists') {
      const why =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalidField(`${field}.operator`, operator, why));
    }
    if (fieldAt(toleration, 'tolerationSeconds') !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalidField(`${field}.effect`, effect, why));
    }
    if (operator === 'Equal' || operator === '')
      errors.push(...invalidFields(`${field}.operator`, value, checkLabelValue(value)));
    else if (operator === 'Exists') {
      const why = "value must be empty when `operator` is 'Exists'";
      if (value !== '') errors.push(invalidField(`${field}.operator`, value, why));
    } else errors.push(unsupportedField(`${field}.operator`, operator, ['Equal', 'Exists']));
    if (effect !== '' && !EFFECTS.some((known) => known === effect))
      errors.push(unsupportedField(`${field}.effect`, effect, EFFECTS));
  }
  return errors;
}

/** @param at the list: `spec.topologySpreadConstraints` */
export function validateSpread(list: readonly unknown[], at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, constraint] of list.entries()) {
    const field = `${at}[${index}]`;
    const skew = numberAt(constraint, 'maxSkew');
    const key = stringAt(constraint, 'topologyKey');
    const otherwise = stringAt(constraint, 'whenUnsatisfiable');
    if (skew <= 0) errors.push(invalidField(`${field}.maxSkew`, skew, 'must be greater than zero'));
    if (key === '') errors.push(requiredField(`${field}.topologyKey`, 'can not be empty'));
    if (!UNSATISFIABLE.some((known) => known === otherwise))
      errors.push(unsupportedField(`${field}.whenUnsatisfiable`, otherwise, UNSATISFIABLE));
    const sameAs = list
      .slice(index + 1)
      .some(
        (other) =>
          stringAt(other, 'topologyKey') === key &&
          stringAt(other, 'whenUnsatisfiable') === otherwise,
      );
    if (sameAs)
      errors.push(
        duplicateField(`${field}.{topologyKey, whenUnsatisfiable}`, `{${key}, ${otherwise}}`),
      );
    const domains = fieldAt(constraint, 'minDomains');
    if (typeof domains === 'number') {
      if (domains <= 0)
        errors.push(invalidField(`${field}.minDomains`, domains, 'must be greater than zero'));
      if (otherwise !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${otherwise}`;
        errors.push(invalidField(`${field}.minDomains`, domains, why));
      }
    }
    for (const name of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = fieldAt(constraint, name);
      if (policy !== undefined && !HONOR.some((known) => known === policy))
        errors.push(unsupportedField(`${field}.${name}`, policy, HONOR));
    }
    errors.push(...validateLabelKeys(constraint, field, 'matchLabelKeys'));
    errors.push(
      ...validateLabelSelector(fieldAt(constraint, 'labelSelector'), `${field}.labelSelector`),
    );
  }
  return errors;
}

/** Nothing but additions: what a Pod that waits behind a gate may still be given. */
export function hasOnlyAdditions(before: unknown, after: unknown): boolean {
  const now = objectAt(after);
  return Object.entries(objectAt(before)).every(([key, value]) => sameJSON(now[key], value));
}
