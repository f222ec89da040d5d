// ConfigMap: keys are file names, the whole is at most 1 MiB, and an immutable one stays as it is.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, tooLongField } from '#controlplane/api/field-errors.ts';
import { objectAt } from '#controlplane/api/fields.ts';
import { checkConfigKey } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';

export const DATA_LIMIT_BYTES = 1024 * 1024;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Bytes that a base64 text stands for, or undefined when it is none. */
export function base64Bytes(text: string): number | undefined {
  if (!BASE64.test(text)) return undefined;
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  return (text.length / 4) * 3 - padding;
}

function validate(object: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const data = objectAt(object, 'data');
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const wrong = checkConfigKey(key);
    if (wrong !== undefined) errors.push(invalidField(`data[${key}]`, key, wrong));
    bytes += Buffer.byteLength(String(value));
  }
  for (const [key, value] of Object.entries(objectAt(object, 'binaryData'))) {
    const field = `binaryData[${key}]`;
    const wrong = checkConfigKey(key);
    if (wrong !== undefined) errors.push(invalidField(field, key, wrong));
    if (Object.hasOwn(data, key)) {
      errors.push(invalidField(field, key, 'duplicate of key present in data'));
    }
    const size = base64Bytes(String(value));
    if (size === undefined) errors.push(invalidField(field, value, 'must be base64'));
    bytes += size ?? 0;
  }
  if (bytes > DATA_LIMIT_BYTES) errors.push(tooLongField('', DATA_LIMIT_BYTES));
  return errors;
}

/** The rule that ConfigMap and Secret share. */
export function validateImmutable(
  object: KubernetesObject,
  old: KubernetesObject,
  fields: readonly string[],
): FieldError[] {
  if (old['immutable'] !== true) return [];
  const why = 'field is immutable when `immutable` is set';
  const errors: FieldError[] = [];
  if (object['immutable'] !== true) errors.push(forbiddenField('immutable', why));
  for (const field of fields) {
    if (!sameJSON(object[field], old[field])) errors.push(forbiddenField(field, why));
  }
  return errors;
}

export const configMapStrategy: Strategy = {
  validate,
  validateUpdate: (object, old) => validateImmutable(object, old, ['data', 'binaryData']),
};
