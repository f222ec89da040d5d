// Pod: what the server adds to a new one, and what may still change once it exists.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField } from '#controlplane/api/field-errors.ts';
import { isObject, listAt, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import type { Environment } from '../environment.ts';
import { applyLimitDefaults, checkPodLimits } from '../limit-ranges.ts';
import { applyRuntimeClass } from '../runtime-classes.ts';
import type { Strategy } from '../strategy.ts';
import { mergeResize, RESIZE, validateResize } from './pod-resize.ts';
import { admitPodSpec, applyPodDefaults } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';
import { EPHEMERAL, mergeEphemeral, validateEphemeral } from './pod-ephemeral.ts';
import { validatePod } from './pod-validation.ts';

/** The new spec with everything that may change set back to what it was: what is left must be equal. */
function withMutableFieldsOf(object: KubernetesObject, old: KubernetesObject): JSONObject {
  const before = objectAt(old, 'spec');
  const spec: JSONObject = { ...objectAt(object, 'spec') };
  for (const field of ['containers', 'initContainers', 'ephemeralContainers']) {
    const images = listAt(before, field).map((container) => objectAt(container)['image']);
    const containers = listAt(spec, field);
    if (containers.length === 0) continue;
    spec[field] = containers.map((container, index) =>
      index < images.length ? { ...objectAt(container), image: images[index] } : container,
    );
  }
  for (const field of ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']) {
    if (before[field] === undefined) delete spec[field];
    else spec[field] = before[field];
  }
  return spec;
}

function validateUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
  subresource: string,
): FieldError[] {
  if (subresource === RESIZE) return validateResize(object, old);
  if (subresource === EPHEMERAL) return validateEphemeral(object, old);
  if (subresource !== '') return [];
  const errors: FieldError[] = [];
  if (!sameJSON(withMutableFieldsOf(object, old), old['spec'])) {
    errors.push(
      forbiddenField(
        'spec',
        'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      ),
    );
  }
  const tolerations = listAt(object, 'spec', 'tolerations');
  for (const toleration of listAt(old, 'spec', 'tolerations')) {
    if (tolerations.some((kept) => sameJSON(kept, toleration))) continue;
    errors.push(
      forbiddenField(
        'spec.tolerations',
        'existing toleration can not be modified except its tolerationSeconds',
      ),
    );
    break;
  }
  const deadline = objectAt(object, 'spec')['activeDeadlineSeconds'];
  const before = objectAt(old, 'spec')['activeDeadlineSeconds'];
  if (typeof before === 'number' && (typeof deadline !== 'number' || deadline > before)) {
    errors.push(
      invalidField(
        'spec.activeDeadlineSeconds',
        deadline ?? null,
        'must be less than or equal to previous value',
      ),
    );
  }
  return errors;
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
  validateUpdate,
  gracePeriodSeconds(pod) {
    // Nobody runs it, or it has already ended: there is nothing to wait for.
    if (stringAt(pod, 'spec', 'nodeName') === '' || isTerminal(pod)) return 0;
    return Math.max(numberAt(pod, 'spec', 'terminationGracePeriodSeconds'), 0);
  },
};
