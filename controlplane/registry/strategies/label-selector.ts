// Checks a metav1.LabelSelector inside a spec, with an error for each field that is wrong.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
} from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkLabelValue, qualifiedNameProblems } from '#controlplane/api/names.ts';

const WITH_VALUES: ReadonlySet<string> = new Set(['In', 'NotIn']);
const WITHOUT_VALUES: ReadonlySet<string> = new Set(['Exists', 'DoesNotExist']);

/** @param field where the selector stands: `spec.selector` */
export function validateLabelSelector(selector: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(objectAt(selector, 'matchLabels'))) {
    errors.push(...invalidFields(`${field}.matchLabels`, key, qualifiedNameProblems(key)));
    const wrongValue = checkLabelValue(String(value));
    if (wrongValue !== undefined)
      errors.push(invalidField(`${field}.matchLabels`, value, wrongValue));
  }
  for (const [index, expression] of listAt(selector, 'matchExpressions').entries())
    errors.push(...validateRequirement(expression, `${field}.matchExpressions[${index}]`));
  return errors;
}

function validateRequirement(expression: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const operator = stringAt(expression, 'operator');
  const values = listAt(expression, 'values');
  if (WITH_VALUES.has(operator) && values.length === 0)
    errors.push(
      requiredField(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"),
    );
  if (WITHOUT_VALUES.has(operator) && values.length > 0)
    errors.push(
      forbiddenField(
        `${field}.values`,
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      ),
    );
  if (!WITH_VALUES.has(operator) && !WITHOUT_VALUES.has(operator))
    errors.push(invalidField(`${field}.operator`, operator, 'not a valid selector operator'));
  const key = stringAt(expression, 'key');
  errors.push(...invalidFields(`${field}.key`, key, qualifiedNameProblems(key)));
  for (const [index, value] of values.entries()) {
    const wrong = checkLabelValue(String(value));
    if (wrong !== undefined) errors.push(invalidField(`${field}.values[${index}]`, value, wrong));
  }
  return errors;
}
