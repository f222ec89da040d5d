// Kinds of storage.k8s.io: written by drivers, mostly fixed once written.
import { forbiddenField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { sameJSON } from '../equality.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields, forbiddenUpdates } from './fixed-fields.ts';

export const storageClassStrategy: Strategy = {
  validateUpdate: (object, old, subresource) => [
    ...forbiddenUpdates('parameters', 'provisioner', 'reclaimPolicy')(object, old, subresource),
    ...fixedFields('volumeBindingMode')(object, old, subresource),
  ],
};

export const volumeAttributesClassStrategy: Strategy = {
  validate(object) {
    const isEmpty = Object.keys(objectAt(object, 'parameters')).length === 0;
    return isEmpty ? [requiredField('parameters', 'must contain at least one key/value pair')] : [];
  },
  validateUpdate: forbiddenUpdates('driverName', 'parameters'),
};

export const csiDriverStrategy: Strategy = {
  needsResourceVersion: true,
  validateUpdate: fixedFields('spec.attachRequired', 'spec.volumeLifecycleModes'),
};

/** Without a driver that is still there, each of them stays as it is. */
export const csiNodeStrategy: Strategy = {
  needsResourceVersion: true,
  validateUpdate(object, old) {
    const drivers = listAt(object, 'spec', 'drivers');
    const before = listAt(old, 'spec', 'drivers');
    return drivers.flatMap((driver) => {
      const name = stringAt(driver, 'name');
      const known = before.find((other) => stringAt(other, 'name') === name);
      const withoutCount = (value: unknown): unknown => ({
        ...objectAt(value),
        allocatable: undefined,
      });
      return known === undefined || sameJSON(withoutCount(driver), withoutCount(known))
        ? []
        : [invalidField('spec.drivers', driver, 'field is immutable')];
    });
  },
};

export const csiStorageCapacityStrategy: Strategy = {
  needsResourceVersion: true,
  validateUpdate: fixedFields('nodeTopology', 'storageClassName'),
};

export const volumeAttachmentStrategy: Strategy = {
  needsResourceVersion: true,
  validate(object) {
    const source = objectAt(object, 'spec', 'source');
    const inline = source['inlineVolumeSpec'] !== undefined;
    const named = source['persistentVolumeName'] !== undefined;
    if (inline !== named) return [];
    const why = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    return [inline ? forbiddenField('spec.source', why) : requiredField('spec.source', why)];
  },
  validateUpdate: fixedFields('spec'),
};
