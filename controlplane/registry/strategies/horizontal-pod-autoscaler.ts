// HorizontalPodAutoscaler, in both versions: what it goes by when it does not say.
import { defaultMetrics } from '#controlplane/api/builtin/autoscaling-v1.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { isObject, listAt, numberAt, objectAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { Strategy } from '../strategy.ts';

const PERIOD_SECONDS = 15;

const policy = (type: string, value: number): JSONObject => ({
  type,
  value,
  periodSeconds: PERIOD_SECONDS,
});

function defaultBehavior(spec: JSONObject): void {
  const behavior = spec['behavior'];
  if (!isObject(behavior)) return;
  behavior['scaleUp'] = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [policy('Pods', 4), policy('Percent', 100)],
    ...objectAt(behavior, 'scaleUp'),
  };
  behavior['scaleDown'] = {
    selectPolicy: 'Max',
    policies: [policy('Percent', 100)],
    ...objectAt(behavior, 'scaleDown'),
  };
}

export const horizontalPodAutoscalerStrategy: Strategy = {
  applyDefaults(object) {
    const spec = object['spec'];
    if (!isObject(spec) || object.apiVersion !== 'autoscaling/v2') return;
    if (listAt(spec, 'metrics').length === 0) spec['metrics'] = defaultMetrics();
    defaultBehavior(spec);
  },
  validate(object) {
    const most = numberAt(object, 'spec', 'maxReplicas');
    if (most >= numberAt(object, 'spec', 'minReplicas')) return [];
    const why = 'must be greater than or equal to `minReplicas`';
    return [invalidField('spec.maxReplicas', most, why)];
  },
};
