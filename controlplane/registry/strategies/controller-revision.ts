// ControllerRevision: a snapshot; once taken, its data never changes.
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { numberAt } from '#controlplane/api/fields.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';

export const controllerRevisionStrategy: Strategy = {
  validate(object) {
    const revision = numberAt(object, 'revision');
    return [
      ...(revision < 0
        ? [invalidField('revision', revision, 'must be greater than or equal to 0')]
        : []),
      ...(object['data'] === undefined ? [requiredField('data', 'data is mandatory')] : []),
    ];
  },
  validateUpdate: (object, old) =>
    sameJSON(object['data'], old['data'])
      ? []
      : [invalidField('data', '<changed>', 'field is immutable')],
};
