// What is asked of storage, in a PersistentVolumeClaim and in the templates of one.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import { validateLabelSelector } from '../strategies/label-selector.ts';
import { quantityOf } from './resource-rules.ts';

const ACCESS_MODES = [
  'ReadOnlyMany',
  'ReadWriteMany',
  'ReadWriteOnce',
  'ReadWriteOncePod',
] as const;

const VOLUME_MODES = ['Block', 'Filesystem'] as const;

/** @param list where the access modes stand */
export function validateAccessModes(modes: readonly unknown[], list: string): FieldError[] {
  const errors: FieldError[] = modes
    .filter((mode) => !ACCESS_MODES.some((known) => known === mode))
    .map((mode) => unsupportedField(list, mode, ACCESS_MODES));
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    const why = 'may not use ReadWriteOncePod with other access modes';
    errors.push(forbiddenField(list, why));
  }
  return errors;
}

/** @param at where the PersistentVolumeClaimSpec stands */
export function validateClaimSpec(spec: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const modes = listAt(spec, 'accessModes');
  if (modes.length === 0)
    errors.push(requiredField(`${at}.accessModes`, 'at least 1 access mode is required'));
  errors.push(...validateLabelSelector(fieldAt(spec, 'selector'), `${at}.selector`));
  errors.push(...validateAccessModes(modes, `${at}.accessModes`));
  const storage = fieldAt(spec, 'resources', 'requests', 'storage');
  const field = `${at}.resources[storage]`;
  const quantity = quantityOf(storage);
  if (storage === undefined) errors.push(requiredField(field));
  else if (quantity === undefined || quantity.nano <= 0n)
    errors.push(invalidField(field, storage, 'must be greater than zero'));
  for (const name of ['storageClassName', 'volumeAttributesClassName'] as const) {
    const value = stringAt(spec, name);
    if (value !== '')
      errors.push(...invalidFields(`${at}.${name}`, value, checkDNSSubdomain(value)));
  }
  const volumeMode = fieldAt(spec, 'volumeMode');
  if (volumeMode !== undefined && !VOLUME_MODES.some((known) => known === volumeMode))
    errors.push(unsupportedField(`${at}.volumeMode`, volumeMode, VOLUME_MODES));
  return errors;
}
