// Secret: stringData is merged into data, the type is fixed, some types need certain keys. No message shows a value.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  invalidField,
  requiredField,
  tooLongField,
  typeInvalidField,
} from '#controlplane/api/field-errors.ts';
import { objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkConfigKey } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { setField } from '#controlplane/api/schema/json-value.ts';
import type { Strategy } from '../strategy.ts';
import { base64Bytes, DATA_LIMIT_BYTES, validateImmutable } from './config-map.ts';

/** Keys that a type cannot do without. */
const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
};

const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';

function mergeStringData(object: KubernetesObject): void {
  const plain = objectAt(object, 'stringData');
  delete object['stringData'];
  if (Object.keys(plain).length === 0) return;
  const data: Record<string, unknown> = { ...objectAt(object, 'data') };
  for (const [key, value] of Object.entries(plain)) {
    // A value of the wrong type stays for schema validation to name.
    setField(data, key, typeof value === 'string' ? Buffer.from(value).toString('base64') : value);
  }
  object['data'] = data;
}

function validate(object: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const data = objectAt(object, 'data');
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const field = `data[${key}]`;
    const wrong = checkConfigKey(key);
    if (wrong !== undefined) errors.push(invalidField(field, key, wrong));
    const size = typeof value === 'string' ? base64Bytes(value) : undefined;
    if (size === undefined) {
      errors.push(
        typeInvalidField(field, '<redacted>', 'must be base64; plain text goes into stringData'),
      );
    }
    bytes += size ?? 0;
  }
  if (bytes > DATA_LIMIT_BYTES) errors.push(tooLongField('data', DATA_LIMIT_BYTES));
  return [...errors, ...validateType(object)];
}

function validateType(object: KubernetesObject): FieldError[] {
  const data = objectAt(object, 'data');
  const type = stringAt(object, 'type');
  const missing = (key: string): boolean => !Object.hasOwn(data, key);
  if (type === 'kubernetes.io/basic-auth') {
    return missing('username') && missing('password')
      ? [requiredField('data[username]'), requiredField('data[password]')]
      : [];
  }
  if (type === 'kubernetes.io/service-account-token') {
    const named = object.metadata.annotations?.[SERVICE_ACCOUNT_NAME] ?? '';
    return named === '' ? [requiredField(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`)] : [];
  }
  const required = Object.hasOwn(REQUIRED_KEYS, type) ? (REQUIRED_KEYS[type] ?? []) : [];
  return required.filter(missing).map((key) => requiredField(`data[${key}]`));
}

export const secretStrategy: Strategy = {
  hidesValues: true,
  applyDefaults: mergeStringData,
  validate,
  validateUpdate(object, old) {
    const errors = validateImmutable(object, old, ['data']);
    if (stringAt(object, 'type') !== stringAt(old, 'type')) {
      errors.push(invalidField('type', object['type'], 'field is immutable'));
    }
    return errors;
  },
};
