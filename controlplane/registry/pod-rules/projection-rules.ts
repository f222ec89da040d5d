// Files that are put into volumes: keys of ConfigMaps and Secrets, fields of the Pod, tokens.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import {
  FIELDS_OF_FILES,
  validateAmountReference,
  validateFieldReference,
} from './field-reference-rules.ts';
import { validateFilePath } from './path-rules.ts';

const LIFETIME_MINIMUM_SECONDS = 600;
const LIFETIME_MAXIMUM_SECONDS = 2 ** 32;

export function validateFileMode(mode: unknown, field: string): readonly FieldError[] {
  if (typeof mode !== 'number' || (mode >= 0 && mode <= 0o777)) return [];
  return [invalidField(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

/** A key and the file that it becomes. */
export function validateItem(item: unknown, field: string): readonly FieldError[] {
  const path = stringAt(item, 'path');
  return [
    ...(stringAt(item, 'key') === '' ? [requiredField(`${field}.key`)] : []),
    ...(path === '' ? [requiredField(`${field}.path`)] : validateFilePath(path, `${field}.path`)),
    ...validateFileMode(fieldAt(item, 'mode'), `${field}.mode`),
  ];
}

/** A file with a field of the Pod in it. Upstream names no index. @param field of the volume's source */
export function validatePodFile(file: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const path = stringAt(file, 'path');
  const reference = fieldAt(file, 'fieldRef');
  const amount = fieldAt(file, 'resourceFieldRef');
  if (path === '') errors.push(requiredField(`${field}.path`));
  else errors.push(...validateFilePath(path, `${field}.path`));
  if (reference !== undefined) {
    errors.push(...validateFieldReference(reference, `${field}.fieldRef`, FIELDS_OF_FILES));
    if (amount !== undefined) {
      const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
      errors.push(invalidField(field, 'resource', why));
    }
  } else if (amount !== undefined)
    errors.push(...validateAmountReference(amount, `${field}.resourceFieldRef`, true));
  else errors.push(requiredField(field, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...validateFileMode(fieldAt(file, 'mode'), `${field}.mode`)];
}

const KINDS = [
  'secret',
  'configMap',
  'downwardAPI',
  'serviceAccountToken',
  'clusterTrustBundle',
  'podCertificate',
] as const;

/** All that a projected volume is made of. */
export function validateSources(source: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  const take = (path: string, shown: string): void => {
    if (path === '') return;
    if (paths.has(path)) errors.push(invalidField(field, shown, 'conflicting duplicate paths'));
    paths.add(path);
  };
  for (const [index, projection] of listAt(source, 'sources').entries()) {
    const at = `${field}.sources[${index}]`;
    const given = KINDS.filter((kind) => fieldAt(projection, kind) !== undefined);
    for (const kind of given) {
      const part = fieldAt(projection, kind);
      const where = `${at}.${kind}`;
      if (kind === 'secret' || kind === 'configMap') {
        const name = stringAt(part, 'name');
        if (name === '') errors.push(requiredField(`${where}.name`));
        for (const [order, item] of listAt(part, 'items').entries()) {
          errors.push(...validateItem(item, `${where}.items[${order}]`));
          take(stringAt(item, 'path'), name);
        }
      } else if (kind === 'downwardAPI') {
        for (const file of listAt(part, 'items')) {
          errors.push(...validatePodFile(file, where));
          take(stringAt(file, 'path'), stringAt(file, 'path'));
        }
      } else if (kind === 'serviceAccountToken') errors.push(...validateToken(part, where, field));
    }
    if (given.length > 1)
      errors.push(forbiddenField(at, 'may not specify more than 1 volume type per source'));
  }
  return errors;
}

/** @param volume where the projected volume stands: upstream tells of the path there */
function validateToken(token: unknown, field: string, volume: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const seconds = numberAt(token, 'expirationSeconds');
  const path = stringAt(token, 'path');
  const at = `${field}.expirationSeconds`;
  if (seconds < LIFETIME_MINIMUM_SECONDS)
    errors.push(invalidField(at, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > LIFETIME_MAXIMUM_SECONDS)
    errors.push(invalidField(at, seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (path === '') errors.push(requiredField(`${volume}.path`));
  else errors.push(...validateFilePath(path, `${volume}.path`));
  return errors;
}
