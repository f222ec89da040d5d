// Fields that hold a count or a percentage of something: `maxSurge: 25%`.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';

const PERCENT = /^\d+%$/;

/** Neither negative nor a text that is no percentage. Absent values pass, and other types, which the schema refuses. */
export function validateAmountOrPercent(value: unknown, field: string): FieldError[] {
  if (typeof value === 'number')
    return value < 0 ? [invalidField(field, value, 'must be greater than or equal to 0')] : [];
  if (typeof value !== 'string' || PERCENT.test(value)) return [];
  return [
    invalidField(
      field,
      value,
      `a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
    ),
  ];
}

/** The same, and a percentage is at most 100. */
export function validateShare(value: unknown, field: string): FieldError[] {
  const errors = validateAmountOrPercent(value, field);
  if (errors.length > 0 || typeof value !== 'string') return errors;
  return Number.parseInt(value, 10) > 100
    ? [invalidField(field, value, 'must not be greater than 100%')]
    : [];
}

/** True for 0 and 0%. */
export function isNothing(value: unknown): boolean {
  return value === 0 || (typeof value === 'string' && Number.parseInt(value, 10) === 0);
}
