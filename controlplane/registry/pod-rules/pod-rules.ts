// Rules of a Pod that its template has not: annotations that once were fields, and what a Pod cannot begin with.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { validateImageOfPod } from './container-rules.ts';
import { validatePodSpec } from './pod-spec-rules.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const MIRROR = 'kubernetes.io/config.mirror';
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const INT32_MAXIMUM = 2 ** 31 - 1;

export function validatePod(pod: KubernetesObject): FieldError[] {
  const spec = objectAt(pod, 'spec');
  const errors = [...validateAnnotations(pod), ...validatePodSpec(spec, 'spec')];
  for (const list of ['containers', 'initContainers'] as const)
    for (const [index, container] of listAt(spec, list).entries())
      errors.push(...validateImageOfPod(container, `spec.${list}[${index}]`));
  return errors;
}

function validateAnnotations({ metadata, spec }: KubernetesObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const field = `metadata.annotations[${key}]`;
    if (key === MIRROR && stringAt(spec, 'nodeName') === '') {
      const why = 'must set spec.nodeName if mirror pod annotation is set';
      errors.push(invalidField(field, value, why));
    }
    if (key === DELETION_COST && !isCost(value))
      errors.push(invalidField(field, value, 'must be a 32bit integer'));
    if (key.startsWith(APP_ARMOR)) errors.push(...validateAppArmor(key, value, field, spec));
  }
  return errors;
}

function isCost(value: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(value) && Math.abs(Number(value)) <= INT32_MAXIMUM;
}

function validateAppArmor(
  key: string,
  value: string,
  field: string,
  spec: unknown,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = key.slice(APP_ARMOR.length);
  const isKnown = (['initContainers', 'containers', 'ephemeralContainers'] as const).some((list) =>
    listAt(spec, list).some((container) => stringAt(container, 'name') === name),
  );
  if (!isKnown) errors.push(invalidField(field, name, 'container not found'));
  const isProfile = ['', 'runtime/default', 'unconfined'].includes(value);
  if (!isProfile && !value.startsWith('localhost/'))
    errors.push(
      invalidField(field, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`),
    );
  return errors;
}

/** Containers for looking into a Pod come later, by a request of their own. */
export function validateNewPod(pod: KubernetesObject): readonly FieldError[] {
  return listAt(pod, 'spec', 'ephemeralContainers').length === 0
    ? []
    : [forbiddenField('spec.ephemeralContainers', 'cannot be set on create')];
}
