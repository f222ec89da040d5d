// PersistentVolume: one source, which stays.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { parseQuantity } from '#platform/quantity.ts';
import { sameJSON } from '../equality.ts';
import { validateAccessModes } from '../pod-rules/claim-rules.ts';
import { validateNodeSelector } from '../pod-rules/placement-rules.ts';
import { validateHostPath, validateNFS } from '../pod-rules/volume-rules.ts';
import type { Strategy } from '../strategy.ts';
import { canonicalizeAmounts } from './amounts.ts';
import { fixedFields } from './fixed-fields.ts';

/** What a PersistentVolumeSpec has beside its source. */
const COMMON: ReadonlySet<string> = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourceOf(object: KubernetesObject): JSONObject {
  const spec = Object.entries(objectAt(object, 'spec'));
  return Object.fromEntries(spec.filter(([field]) => !COMMON.has(field)));
}

function validateCapacity(object: KubernetesObject): FieldError[] {
  const text = stringAt(object, 'spec', 'capacity', 'storage');
  if (text === '') return [requiredField('spec.capacity')];
  const quantity = parseQuantity(text);
  return quantity === undefined || quantity.nano <= 0n
    ? [invalidField('spec.capacity[storage]', text, 'must be greater than zero')]
    : [];
}

export const persistentVolumeStrategy: Strategy = {
  prepareForCreate(object) {
    object['status'] = { phase: 'Pending' };
  },
  applyDefaults: (object) => canonicalizeAmounts(objectAt(object, 'spec', 'capacity')),
  validate(object) {
    const errors: FieldError[] = [];
    const modes = listAt(object, 'spec', 'accessModes');
    if (modes.length === 0) errors.push(requiredField('spec.accessModes'));
    errors.push(...validateAccessModes(modes, 'spec.accessModes'));
    errors.push(...validateCapacity(object));
    const [first, ...more] = Object.keys(sourceOf(object));
    if (first === undefined) errors.push(requiredField('spec', 'must specify a volume type'));
    for (const source of more) {
      errors.push(forbiddenField(`spec.${source}`, 'may not specify more than 1 volume type'));
    }
    const { hostPath, nfs, nodeAffinity: affinity } = objectAt(object, 'spec');
    if (hostPath !== undefined) errors.push(...validateHostPath(hostPath, 'spec.hostPath'));
    if (nfs !== undefined) errors.push(...validateNFS(nfs, 'spec.nfs'));
    const required = fieldAt(affinity, 'required');
    if (required !== undefined)
      errors.push(...validateNodeSelector(required, 'spec.nodeAffinity.required'));
    if (first === 'local' && affinity === undefined) {
      errors.push(requiredField('spec.nodeAffinity', 'Local volume requires node affinity'));
    }
    return errors;
  },
  validateUpdate(object, old, subresource) {
    if (subresource !== '') return [];
    const errors = [...fixedFields('spec.volumeMode')(object, old, subresource)];
    if (!sameJSON(sourceOf(object), sourceOf(old))) {
      const why = 'spec.persistentvolumesource is immutable after creation';
      errors.push(forbiddenField('spec.persistentvolumesource', why));
    }
    return errors;
  },
};
