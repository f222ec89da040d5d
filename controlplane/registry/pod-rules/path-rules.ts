// Paths inside of volumes and on machines, in upstream's words.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';

/** A path that leads nowhere else. */
export function validateNoBacksteps(path: string, field: string): readonly FieldError[] {
  return path.split('/').includes('..') ? [invalidField(field, path, "must not contain '..'")] : [];
}

/** The same, and it begins where the volume does. */
export function validateInnerPath(path: string, field: string): readonly FieldError[] {
  return [
    ...(path.startsWith('/') ? [invalidField(field, path, 'must be a relative path')] : []),
    ...validateNoBacksteps(path, field),
  ];
}

/** The path of a file that is put into a volume: names that begin with `..` are the volume's own. */
export function validateFilePath(path: string, field: string): readonly FieldError[] {
  const errors = [...validateInnerPath(path, field)];
  if (path.startsWith('..') && !path.startsWith('../'))
    errors.push(invalidField(field, path, "must not start with '..'"));
  return errors;
}
