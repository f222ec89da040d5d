// Fields that stay as they were first written.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField } from '#controlplane/api/field-errors.ts';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';

type Check = NonNullable<Strategy['validateUpdate']>;

function changed(
  object: KubernetesObject,
  old: KubernetesObject,
  paths: readonly string[],
  problem: (path: string, value: unknown) => FieldError,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const path of paths) {
    const value = fieldAt(object, ...path.split('.'));
    if (!sameJSON(value, fieldAt(old, ...path.split('.')))) errors.push(problem(path, value));
  }
  return errors;
}

/** `spec.handler: Invalid value: …: field is immutable`. Writes of status pass: they change no other field. */
export function fixedFields(...paths: readonly string[]): Check {
  return (object, old) =>
    changed(object, old, paths, (path, value) =>
      invalidField(path, value ?? null, 'field is immutable'),
    );
}

/** `parameters: Forbidden: updates to parameters are forbidden.` */
export function forbiddenUpdates(...paths: readonly string[]): Check {
  return (object, old) =>
    changed(object, old, paths, (path) =>
      forbiddenField(path, `updates to ${path} are forbidden.`),
    );
}
