// Pod: what the server adds to a new one, and what its subresources may change. Its rules: pod-rules/.
import type { FieldError } from '#controlplane/api/errors.ts';
import { isObject, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Environment } from '../environment.ts';
import { applyLimitDefaults, checkPodLimits } from '../limit-ranges.ts';
import { applyRuntimeClass } from '../runtime-classes.ts';
import type { Strategy } from '../strategy.ts';
import { mergeResize, RESIZE, validateResize } from './pod-resize.ts';
import { admitPodSpec, applyPodDefaults } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';
import { EPHEMERAL, mergeEphemeral, validateEphemeral } from './pod-ephemeral.ts';
import { validateNewPod, validatePod } from '../pod-rules/pod-rules.ts';
import { validatePodUpdate } from '../pod-rules/pod-update-rules.ts';

function validateUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
  subresource: string,
): readonly FieldError[] {
  if (subresource === RESIZE) return validateResize(object, old);
  if (subresource === EPHEMERAL) return validateEphemeral(object, old);
  return subresource === '' ? validatePodUpdate(object, old) : [];
}

function admitPod(pod: KubernetesObject, env: Environment): void {
  applyRuntimeClass(pod, env);
  applyLimitDefaults(pod, env);
  admitPodSpec(pod);
  env.priorityClasses.assign(pod);
}

/** Clients that know nothing of priorities leave them as they are. */
function keepPriority(pod: KubernetesObject, old: KubernetesObject): void {
  const spec = pod['spec'];
  if (!isObject(spec)) return;
  const before = objectAt(old, 'spec');
  for (const field of ['priority', 'preemptionPolicy'])
    if (before[field] !== undefined) spec[field] ??= before[field];
}

function isTerminal(pod: KubernetesObject): boolean {
  const phase = stringAt(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed';
}

export const podStrategy: Strategy = {
  hasGeneration: true,
  admit: admitPod,
  checkCreate: checkPodLimits,
  checkUpdate(object, _old, subresource, env) {
    if (subresource === RESIZE) checkPodLimits(object, env);
  },
  prepareForCreate(object, env) {
    admitPod(object, env);
    object['status'] = { phase: 'Pending', qosClass: qosClassOf(object) };
  },
  prepareForUpdate(object, old) {
    admitPodSpec(object);
    keepPriority(object, old);
    const status = object['status'];
    const qosClass = stringAt(old, 'status', 'qosClass');
    if (isObject(status) && qosClass !== '') status['qosClass'] = qosClass;
  },
  // Binding makes the whole new object itself.
  mergeSubresource(object, old, subresource) {
    if (subresource === RESIZE) return mergeResize(object, old);
    return subresource === EPHEMERAL ? mergeEphemeral(object, old) : object;
  },
  applyDefaults: applyPodDefaults,
  validate: validatePod,
  validateCreate: validateNewPod,
  validateUpdate,
  gracePeriodSeconds(pod) {
    // Nobody runs it, or it has already ended: there is nothing to wait for.
    if (stringAt(pod, 'spec', 'nodeName') === '' || isTerminal(pod)) return 0;
    return Math.max(numberAt(pod, 'spec', 'terminationGracePeriodSeconds'), 0);
  },
};
