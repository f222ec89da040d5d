// PersistentVolumeClaim: what was asked for stays; it may grow, and be bound once.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField } from '#controlplane/api/field-errors.ts';
import { fieldAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Quantity } from '#platform/quantity.ts';
import { compareQuantities, parseQuantity } from '#platform/quantity.ts';
import { sameJSON } from '../equality.ts';
import { checkClaimLimits } from '../limit-ranges.ts';
import { validateClaimSpec } from '../pod-rules/claim-rules.ts';
import type { Strategy } from '../strategy.ts';
import { canonicalizeAmounts } from './amounts.ts';

const REQUEST = 'spec.resources.requests.storage';

function requestOf(object: KubernetesObject): Quantity | undefined {
  return parseQuantity(stringAt(object, 'spec', 'resources', 'requests', 'storage'));
}

/** The spec without what may change. */
function fixedPart(object: KubernetesObject, old: KubernetesObject): unknown {
  const { resources: _resources, volumeName, ...rest } = objectAt(object, 'spec');
  return stringAt(old, 'spec', 'volumeName') === '' ? rest : { ...rest, volumeName };
}

export const persistentVolumeClaimStrategy: Strategy = {
  checkCreate: checkClaimLimits,
  checkUpdate(object, old, subresource, env) {
    const asked = (claim: KubernetesObject): unknown => fieldAt(claim, 'spec', 'resources');
    if (subresource === '' && !sameJSON(asked(object), asked(old))) checkClaimLimits(object, env);
  },
  prepareForCreate(object) {
    object['status'] = { phase: 'Pending' };
  },
  applyDefaults(object) {
    canonicalizeAmounts(objectAt(object, 'spec', 'resources', 'requests'));
  },
  validate: (object) => validateClaimSpec(object['spec'], 'spec'),
  validateUpdate(object, old, subresource) {
    const errors: FieldError[] = [];
    if (subresource !== '') return errors;
    if (!sameJSON(fixedPart(object, old), fixedPart(old, old))) {
      errors.push(
        forbiddenField(
          'spec',
          'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
        ),
      );
    }
    const before = requestOf(old);
    const after = requestOf(object);
    if (before !== undefined && after !== undefined && compareQuantities(after, before) < 0) {
      errors.push(forbiddenField(REQUEST, 'field can not be less than previous value'));
    }
    return errors;
  },
};
