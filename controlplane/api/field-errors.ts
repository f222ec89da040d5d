// Makers of FieldError, one per reason, with the message forms of upstream's field.Error. Each message leaves the field
// name out: invalid() in errors.ts puts it in front.
import type { FieldError } from './errors.ts';

/** A value as it appears in a message: strings quoted, the rest as JSON; cut where it would flood the answer. */
function shown(value: unknown): string {
  const text = value === undefined ? 'null' : JSON.stringify(value);
  return text.length > 512 ? `${text.slice(0, 512)}…` : text;
}

function withDetail(message: string, detail: string | undefined): string {
  return detail === undefined || detail === '' ? message : `${message}: ${detail}`;
}

export function requiredField(field: string, detail?: string): FieldError {
  return { reason: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

export function invalidField(field: string, value: unknown, detail: string): FieldError {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: withDetail(`Invalid value: ${shown(value)}`, detail),
  };
}

/** One for each thing that is wrong. */
export function invalidFields(
  field: string,
  value: unknown,
  details: string | readonly string[] | undefined,
): readonly FieldError[] {
  const list = typeof details === 'string' ? [details] : (details ?? []);
  return list.map((detail) => invalidField(field, value, detail));
}

export function notFoundField(field: string, value: unknown, detail?: string): FieldError {
  return {
    reason: 'FieldValueNotFound',
    field,
    message: withDetail(`Not found: ${shown(value)}`, detail),
  };
}

export function typeInvalidField(field: string, value: unknown, detail: string): FieldError {
  return { ...invalidField(field, value, detail), reason: 'FieldValueTypeInvalid' };
}

export function duplicateField(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

export function unsupportedField(
  field: string,
  value: unknown,
  supported: readonly string[],
): FieldError {
  const list = supported.map((item) => JSON.stringify(item)).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${shown(value)}: supported values: ${list}`,
  };
}

/** @param unit `bytes`, `characters` … */
export function tooLongField(field: string, maximum: number, unit = 'bytes'): FieldError {
  return {
    reason: 'FieldValueTooLong',
    field,
    message: `Too long: may not be more than ${maximum} ${unit}`,
  };
}
