// Node: registered by its agent together with its first status.
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, unsupportedField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export const nodeStrategy: Strategy = {
  keepsStatusOnCreate: true,
  applyDefaults(object) {
    // Upstream: what a node can hold is what it has, unless its agent keeps something back.
    const status = objectAt(object, 'status');
    if (status['allocatable'] === undefined && status['capacity'] !== undefined) {
      status['allocatable'] = { ...objectAt(status, 'capacity') };
    }
  },
  validate(object) {
    const errors: FieldError[] = [];
    const seen = new Set<string>();
    for (const [index, taint] of listAt(object, 'spec', 'taints').entries()) {
      const effect = stringAt(taint, 'effect');
      const field = `spec.taints[${index}]`;
      if (!EFFECTS.includes(effect)) {
        errors.push(unsupportedField(`${field}.effect`, effect, EFFECTS));
      }
      const identity = `${stringAt(taint, 'key')}:${effect}`;
      if (seen.has(identity)) errors.push(duplicateField(field, identity));
      seen.add(identity);
    }
    return errors;
  },
};
