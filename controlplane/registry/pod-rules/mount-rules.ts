// What a container sees of the Pod's volumes: each mount has its volume, and a place of its own.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  notFoundField,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { validateInnerPath } from './path-rules.ts';

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'] as const;
const RECURSIVE = ['Disabled', 'Enabled', 'IfPossible'] as const;

/** @param volumes of the Pod, by name */
export function validateMounts(
  container: unknown,
  at: string,
  volumes: ReadonlyMap<string, unknown>,
): readonly FieldError[] {
  const mounts = listAt(container, 'volumeMounts');
  const devices = listAt(container, 'volumeDevices');
  const deviceNames = new Set(devices.map((device) => stringAt(device, 'name')));
  const devicePaths = new Set(devices.map((device) => stringAt(device, 'devicePath')));
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  for (const [index, mount] of mounts.entries()) {
    const field = `${at}.volumeMounts[${index}]`;
    const name = stringAt(mount, 'name');
    const path = stringAt(mount, 'mountPath');
    if (name === '') errors.push(requiredField(`${field}.name`));
    if (!volumes.has(name)) errors.push(notFoundField(`${field}.name`, name));
    if (path === '') errors.push(requiredField(`${field}.mountPath`));
    if (paths.has(path)) errors.push(invalidField(`${field}.mountPath`, path, 'must be unique'));
    paths.add(path);
    if (deviceNames.has(name)) {
      const why = 'must not already exist in volumeDevices';
      errors.push(invalidField(`${field}.name`, name, why));
    }
    if (devicePaths.has(path)) {
      const why = 'must not already exist as a path in volumeDevices';
      errors.push(invalidField(`${field}.mountPath`, path, why));
    }
    errors.push(...validatePlace(container, mount, `${at}.volumeMounts`, index));
  }
  errors.push(...validateDevices(devices, at, volumes, mounts));
  return errors;
}

function validatePlace(
  container: unknown,
  mount: unknown,
  list: string,
  index: number,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const subPath = stringAt(mount, 'subPath');
  const expression = stringAt(mount, 'subPathExpr');
  if (subPath !== '') errors.push(...validateInnerPath(subPath, `${list}.subPath`));
  if (expression !== '') {
    if (subPath !== '') {
      const why = 'subPathExpr and subPath are mutually exclusive';
      errors.push(invalidField(`${list}[${index}].subPathExpr`, expression, why));
    }
    errors.push(...validateInnerPath(expression, `${list}.subPathExpr`));
  }
  const propagation = fieldAt(mount, 'mountPropagation');
  if (propagation !== undefined) {
    if (!PROPAGATIONS.some((known) => known === propagation))
      errors.push(unsupportedField(`${list}.mountPropagation`, propagation, PROPAGATIONS));
    if (
      propagation === 'Bidirectional' &&
      fieldAt(container, 'securityContext', 'privileged') !== true
    ) {
      const why = 'Bidirectional mount propagation is available only to privileged containers';
      errors.push(forbiddenField(`${list}.mountPropagation`, why));
    }
  }
  const recursive = fieldAt(mount, 'recursiveReadOnly');
  if (recursive === undefined || recursive === 'Disabled') return errors;
  const field = `${list}.recursiveReadOnly`;
  if (!RECURSIVE.some((known) => known === recursive))
    return [...errors, unsupportedField(field, recursive, RECURSIVE)];
  if (fieldAt(mount, 'readOnly') !== true)
    errors.push(forbiddenField(field, 'may only be specified when readOnly is true'));
  if (propagation !== undefined && propagation !== 'None') {
    const why = 'may only be specified when mountPropagation is None or not specified';
    errors.push(forbiddenField(field, why));
  }
  return errors;
}

function validateDevices(
  devices: readonly unknown[],
  at: string,
  volumes: ReadonlyMap<string, unknown>,
  mounts: readonly unknown[],
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounted = new Set(mounts.map((mount) => stringAt(mount, 'name')));
  const mountPaths = new Set(mounts.map((mount) => stringAt(mount, 'mountPath')));
  for (const [index, device] of devices.entries()) {
    const field = `${at}.volumeDevices[${index}]`;
    const name = stringAt(device, 'name');
    const path = stringAt(device, 'devicePath');
    if (name === '') errors.push(requiredField(`${field}.name`));
    if (names.has(name)) errors.push(invalidField(`${field}.name`, name, 'must be unique'));
    const volume = volumes.get(name);
    if (volume === undefined) errors.push(notFoundField(`${field}.name`, name));
    else {
      const { persistentVolumeClaim, ephemeral } = objectAt(volume);
      if (persistentVolumeClaim === undefined && ephemeral === undefined) {
        const why =
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
        errors.push(invalidField(`${field}.name`, name, why));
      }
    }
    if (path === '') errors.push(requiredField(`${field}.devicePath`));
    if (paths.has(path)) errors.push(invalidField(`${field}.devicePath`, path, 'must be unique'));
    if (path !== '' && path.split('/').includes('..'))
      errors.push(invalidField(`${field}.devicePath`, path, "can not contain backsteps ('..')"));
    else paths.add(path);
    names.add(name);
    if (mounted.has(name)) {
      const why = 'must not already exist in volumeMounts';
      errors.push(invalidField(`${field}.name`, name, why));
    }
    if (mountPaths.has(path)) {
      const why = 'must not already exist as a path in volumeMounts';
      errors.push(invalidField(`${field}.devicePath`, path, why));
    }
  }
  return errors;
}
