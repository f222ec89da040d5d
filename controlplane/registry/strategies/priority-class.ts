// PriorityClass: a number for a name, which stays. Names and numbers of the system are its own.
import { forbiddenField } from '#controlplane/api/field-errors.ts';
import { numberAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

const HIGHEST = 1_000_000_000;
const SYSTEM: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const priorityClassStrategy: Strategy = {
  hasGeneration: true,
  checkCreate: (object, env) => env.priorityClasses.admitClass(object),
  prepareForUpdate(object, old, _subresource, env) {
    if (old['globalDefault'] !== true) env.priorityClasses.admitClass(object);
  },
  counted: () => undefined,
  validate(object) {
    const name = object.metadata.name ?? '';
    const value = numberAt(object, 'value');
    if (!name.startsWith('system-')) {
      const why = `maximum allowed value of a user defined priority is ${HIGHEST}`;
      return value > HIGHEST ? [forbiddenField('value', why)] : [];
    }
    return SYSTEM[name] === value
      ? []
      : [
          forbiddenField(
            'metadata.name',
            `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
          ),
        ];
  },
  validateUpdate: (object, old, subresource) => [
    ...(numberAt(object, 'value') === numberAt(old, 'value')
      ? []
      : [forbiddenField('value', 'may not be changed in an update.')]),
    ...fixedFields('preemptionPolicy')(object, old, subresource),
  ],
};
