// Variables of containers: their names, and where their values come from.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, invalidFields, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkConfigKey, checkDNSSubdomain, checkVariableName } from '#controlplane/api/names.ts';
import {
  FIELDS_OF_VARIABLES,
  validateAmountReference,
  validateFieldReference,
} from './field-reference-rules.ts';

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef'] as const;

export function validateVariables(container: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, variable] of listAt(container, 'env').entries()) {
    const field = `${at}.env[${index}]`;
    const name = stringAt(variable, 'name');
    if (name === '') errors.push(requiredField(`${field}.name`));
    else errors.push(...invalidFields(`${field}.name`, name, checkVariableName(name)));
    if (fieldAt(variable, 'valueFrom') !== undefined)
      errors.push(...validateSource(variable, `${field}.valueFrom`));
  }
  for (const [index, source] of listAt(container, 'envFrom').entries())
    errors.push(...validateAll(source, `${at}.envFrom`, index));
  return errors;
}

function validateSource(variable: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const source = fieldAt(variable, 'valueFrom');
  const named = SOURCES.filter((name) => fieldAt(source, name) !== undefined);
  for (const name of named) {
    const reference = fieldAt(source, name);
    const where = `${field}.${name}`;
    if (name === 'fieldRef')
      errors.push(...validateFieldReference(reference, where, FIELDS_OF_VARIABLES));
    else if (name === 'resourceFieldRef')
      errors.push(...validateAmountReference(reference, where, false));
    else errors.push(...validateKey(reference, where));
  }
  if (named.length === 0) {
    const why =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
    errors.push(invalidField(field, '', why));
  } else if (stringAt(variable, 'value') !== '')
    errors.push(invalidField(field, '', 'may not be specified when `value` is not empty'));
  else if (named.length > 1)
    errors.push(invalidField(field, '', 'may not have more than one field specified at a time'));
  return errors;
}

function validateKey(reference: unknown, field: string): readonly FieldError[] {
  const name = stringAt(reference, 'name');
  const key = stringAt(reference, 'key');
  return [
    ...invalidFields(`${field}.name`, name, checkDNSSubdomain(name)),
    ...(key === ''
      ? [requiredField(`${field}.key`)]
      : invalidFields(`${field}.key`, key, checkConfigKey(key))),
  ];
}

/** All entries of a ConfigMap or Secret at once. */
function validateAll(source: unknown, list: string, index: number): readonly FieldError[] {
  const field = `${list}[${index}]`;
  const prefix = stringAt(source, 'prefix');
  const named = (['configMapRef', 'secretRef'] as const).filter(
    (name) => fieldAt(source, name) !== undefined,
  );
  const errors = [
    ...(prefix === '' ? [] : invalidFields(`${field}.prefix`, prefix, checkVariableName(prefix))),
  ];
  for (const reference of named) {
    const name = stringAt(source, reference, 'name');
    const where = `${field}.${reference}.name`;
    if (name === '') errors.push(requiredField(where));
    else errors.push(...invalidFields(where, name, checkDNSSubdomain(name)));
  }
  if (named.length === 0)
    errors.push(invalidField(list, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (named.length > 1)
    errors.push(invalidField(list, '', 'may not have more than one field specified at a time'));
  return errors;
}
