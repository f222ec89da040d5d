// Rules of a Pod that span fields: unique names, mounts that have their volume, requests within limits. Types, required
// fields and ranges are in the schema.
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSLabel, checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { compareQuantities, parseQuantity } from '#platform/quantity.ts';
import { validateSysctls } from './sysctl-validation.ts';

export function validatePod(pod: KubernetesObject): FieldError[] {
  return validatePodSpec(objectAt(pod, 'spec'), 'spec');
}

/** @param at where the PodSpec stands: `spec`, `spec.template.spec` */
export function validatePodSpec(spec: unknown, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = validateVolumes(spec, at, errors);
  const names = new Set<string>();
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of listAt(spec, list).entries()) {
      validateContainer(container, `${at}.${list}[${index}]`, { names, volumes, errors });
    }
  }
  errors.push(...validateSysctls(spec, at));
  if (listAt(spec, 'containers').length === 0) errors.push(requiredField(`${at}.containers`));
  for (const field of ['nodeName', 'serviceAccountName'] as const) {
    const name = stringAt(spec, field);
    const wrong = name === '' ? undefined : checkDNSSubdomain(name);
    if (wrong !== undefined) errors.push(invalidField(`${at}.${field}`, name, wrong));
  }
  return errors;
}

function validateVolumes(spec: unknown, at: string, errors: FieldError[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, volume] of listAt(spec, 'volumes').entries()) {
    const field = `${at}.volumes[${index}]`;
    const name = stringAt(volume, 'name');
    checkUniqueLabel(name, `${field}.name`, names, errors);
    if (Object.keys(objectAt(volume)).length > 2) {
      errors.push({
        reason: 'FieldValueForbidden',
        field,
        message: 'Forbidden: may not specify more than 1 volume type',
      });
    }
  }
  return names;
}

interface Surroundings {
  /** Container names so far. */
  readonly names: Set<string>;
  readonly volumes: ReadonlySet<string>;
  readonly errors: FieldError[];
}

function validateContainer(container: unknown, field: string, around: Surroundings): void {
  const { names, volumes, errors } = around;
  checkUniqueLabel(stringAt(container, 'name'), `${field}.name`, names, errors);
  const image = stringAt(container, 'image');
  if (image !== image.trim()) {
    errors.push(
      invalidField(`${field}.image`, image, 'must not have leading or trailing whitespace'),
    );
  }
  const paths = new Set<string>();
  for (const [index, mount] of listAt(container, 'volumeMounts').entries()) {
    const name = stringAt(mount, 'name');
    const path = stringAt(mount, 'mountPath');
    if (!volumes.has(name)) {
      errors.push({
        reason: 'FieldValueNotFound',
        field: `${field}.volumeMounts[${index}].name`,
        message: `Not found: ${JSON.stringify(name)}`,
      });
    }
    if (paths.has(path)) {
      errors.push(
        invalidField(`${field}.volumeMounts[${index}].mountPath`, path, 'must be unique'),
      );
    }
    paths.add(path);
  }
  const portNames = new Set<string>();
  for (const [index, port] of listAt(container, 'ports').entries()) {
    const name = stringAt(port, 'name');
    if (name === '') continue;
    if (portNames.has(name)) errors.push(duplicateField(`${field}.ports[${index}].name`, name));
    else if (!/^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(name)) {
      errors.push(
        invalidField(
          `${field}.ports[${index}].name`,
          name,
          'must be at most 15 lower case letters, digits and single inner hyphens, with at least one letter',
        ),
      );
    }
    portNames.add(name);
  }
  validateResources(container, field, errors);
}

function validateResources(container: unknown, field: string, errors: FieldError[]): void {
  const limits = objectAt(container, 'resources', 'limits');
  for (const part of ['limits', 'requests'] as const) {
    for (const [name, value] of Object.entries(objectAt(container, 'resources', part))) {
      const path = `${field}.resources.${part}[${name}]`;
      const quantity = parseQuantity(String(value));
      if (quantity === undefined) {
        errors.push(invalidField(path, value, 'must be a quantity such as 500m, 1.5 or 128Mi'));
      } else if (quantity.nano < 0n) {
        errors.push(invalidField(path, value, 'must be greater than or equal to 0'));
      } else if (part === 'requests') {
        const limit = parseQuantity(stringAt(limits, name));
        if (limit !== undefined && compareQuantities(quantity, limit) > 0) {
          errors.push(
            invalidField(
              path,
              value,
              `must be less than or equal to ${name} limit of ${stringAt(limits, name)}`,
            ),
          );
        }
      }
    }
  }
}

function checkUniqueLabel(
  name: string,
  field: string,
  seen: Set<string>,
  errors: FieldError[],
): void {
  const wrong = name === '' ? undefined : checkDNSLabel(name);
  if (name === '') errors.push(requiredField(field));
  else if (wrong !== undefined) errors.push(invalidField(field, name, wrong));
  if (seen.has(name)) errors.push(duplicateField(field, name));
  seen.add(name);
}
