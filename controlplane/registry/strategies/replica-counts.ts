// status of controllers of Pods: no part is more than the whole.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { numberAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';

/** @param parts fields of status that count some of status.replicas */
export function validateCounts(object: KubernetesObject, parts: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const replicas = numberAt(object, 'status', 'replicas');
  for (const part of ['replicas', 'observedGeneration', ...parts]) {
    const count = numberAt(object, 'status', part);
    if (count < 0) {
      errors.push(invalidField(`status.${part}`, count, 'must be greater than or equal to 0'));
    } else if (parts.includes(part) && count > replicas) {
      errors.push(invalidField(`status.${part}`, count, 'cannot be greater than status.replicas'));
    }
  }
  const available = numberAt(object, 'status', 'availableReplicas');
  if (available > numberAt(object, 'status', 'readyReplicas')) {
    const why = 'cannot be greater than readyReplicas';
    errors.push(invalidField('status.availableReplicas', available, why));
  }
  return errors;
}
