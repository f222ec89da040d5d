// RuntimeClass: a name for a way to run containers, which stays.
import { invalidFields } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSLabel } from '#controlplane/api/names.ts';
import { validateLabels, validateTolerations } from '../pod-rules/placement-rules.ts';
import { validateAmount } from '../pod-rules/resource-rules.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

export const runtimeClassStrategy: Strategy = {
  createsOnUpdate: true,
  needsResourceVersion: true,
  validate(object) {
    const handler = stringAt(object, 'handler');
    const overhead = Object.entries(objectAt(object, 'overhead', 'podFixed'));
    return [
      ...invalidFields('handler', handler, checkDNSLabel(handler)),
      ...overhead.flatMap(([name, value]) =>
        validateAmount(name, value, `overhead.limits[${name}]`),
      ),
      ...validateLabels(fieldAt(object, 'scheduling', 'nodeSelector'), 'scheduling.nodeSelector'),
      ...validateTolerations(
        listAt(object, 'scheduling', 'tolerations'),
        'scheduling.tolerations.tolerations',
      ),
    ];
  },
  validateUpdate: fixedFields('handler'),
};
