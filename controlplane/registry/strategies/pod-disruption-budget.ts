// PodDisruptionBudget: one of minAvailable and maxUnavailable, as a count or a percentage. Its status is kept by the disruption
// controller and drawn down by evictions (eviction.ts).
import { invalidField } from '#controlplane/api/field-errors.ts';
import { fieldAt, numberAt, objectAt } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';
import { validateShare } from './amount-or-percent.ts';
import { validateLabelSelector } from './label-selector.ts';

export const POD_DISRUPTION_BUDGETS = 'policy/poddisruptionbudgets';

const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

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
      ...validateShare(minAvailable, 'spec.minAvailable'),
      ...validateShare(maxUnavailable, 'spec.maxUnavailable'),
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
