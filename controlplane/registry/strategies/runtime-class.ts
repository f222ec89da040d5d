// RuntimeClass: a name for a way to run containers, which stays.
import { invalidField } from '#controlplane/api/field-errors.ts';
import { stringAt } from '#controlplane/api/fields.ts';
import { checkDNSLabel } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

export const runtimeClassStrategy: Strategy = {
  createsOnUpdate: true,
  needsResourceVersion: true,
  validate(object) {
    const handler = stringAt(object, 'handler');
    const wrong = checkDNSLabel(handler);
    return wrong === undefined ? [] : [invalidField('handler', handler, wrong)];
  },
  validateUpdate: fixedFields('handler'),
};
