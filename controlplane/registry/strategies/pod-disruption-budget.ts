// PodDisruptionBudget: one of minAvailable and maxUnavailable, as a count or a percentage. Its status is kept by the disruption
// controller and drawn down by evictions (eviction.ts).
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { fieldAt, numberAt, objectAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';
import { validateLabelSelector } from './label-selector.ts';

export const POD_DISRUPTION_BUDGETS = 'policy/poddisruptionbudgets';

const PERCENT = /^\d+%$/;
const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

function validateAmount(value: unknown, field: string): FieldError[] {
  if (typeof value === 'number')
    return value < 0 ? [invalidField(field, value, 'must be greater than or equal to 0')] : [];
  // Absent, or of a type that the schema refuses.
  if (typeof value !== 'string') return [];
  if (!PERCENT.test(value))
    return [
      invalidField(
        field,
        value,
        `a valid percent string must be a numeric followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
      ),
    ];
  return Number.parseInt(value, 10) > 100
    ? [invalidField(field, value, 'must not be greater than 100%')]
    : [];
}

export const podDisruptionBudgetStrategy: Strategy = {
  hasGeneration: true,
  needsResourceVersion: true,
  prepareForCreate(object) {
    object['status'] = { ...NOTHING_YET };
  },
  validate(object) {
    const spec = objectAt(object, 'spec');
    const { minAvailable, maxUnavailable } = spec;
    const both = minAvailable !== undefined && maxUnavailable !== undefined;
    return [
      ...(both
        ? [invalidField('spec', spec, 'minAvailable and maxUnavailable cannot be both set')]
        : []),
      ...validateAmount(minAvailable, 'spec.minAvailable'),
      ...validateAmount(maxUnavailable, 'spec.maxUnavailable'),
      ...validateLabelSelector(fieldAt(spec, 'selector'), 'spec.selector'),
    ];
  },
  validateUpdate(object, _old, subresource) {
    if (subresource !== 'status') return [];
    return COUNTS.filter((count) => numberAt(object, 'status', count) < 0).map((count) =>
      invalidField(
        `status.${count}`,
        numberAt(object, 'status', count),
        'must be greater than or equal to 0',
      ),
    );
  },
};

/** Nobody has counted: no eviction passes before somebody has. */
const NOTHING_YET = {
  disruptionsAllowed: 0,
  currentHealthy: 0,
  desiredHealthy: 0,
  expectedPods: 0,
} as const;
