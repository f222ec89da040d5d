// Event: lies in the namespace of what it is about; for cluster-scoped things in `default`.
import { invalidField } from '#controlplane/api/field-errors.ts';
import { stringAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';

export const eventStrategy: Strategy = {
  createsOnUpdate: true,
  validate(object) {
    const about = stringAt(object, 'involvedObject', 'namespace');
    const here = object.metadata.namespace ?? '';
    const fits = about === '' ? here === 'default' || here === 'kube-system' : about === here;
    return fits
      ? []
      : [invalidField('involvedObject.namespace', about, 'does not match event.namespace')];
  },
};
