// What may still change of a Pod once it exists: images, its deadline, more tolerations; and, as long as a gate keeps it from being
// placed, narrower wishes about where.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import { hasOnlyAdditions } from './placement-rules.ts';

const FIXED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const MIRROR = 'kubernetes.io/config.mirror';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

export function validatePodUpdate(object: KubernetesObject, old: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [...validateMirror(object, old)];
  for (const list of ['containers', 'initContainers'] as const) {
    if (listAt(object, 'spec', list).length === listAt(old, 'spec', list).length) continue;
    const what = list === 'containers' ? 'containers' : 'init containers';
    errors.push(forbiddenField(`spec.${list}`, `pod updates may not add or remove ${what}`));
  }
  if (errors.some(({ field }) => field.startsWith('spec.'))) return errors;
  errors.push(...validateDeadline(object, old), ...validateAdditions(object, old));
  errors.push(...validateGates(object, old));
  const isGated = listAt(old, 'spec', 'schedulingGates').length > 0;
  if (isGated) errors.push(...validatePlacement(object, old));
  if (!sameJSON(withMutableFieldsOf(object, old, isGated), old['spec']))
    errors.push(forbiddenField('spec', FIXED));
  return errors;
}

/** The new spec with everything that may change set back to what it was: what is left must be equal. */
function withMutableFieldsOf(
  object: KubernetesObject,
  old: KubernetesObject,
  isGated: boolean,
): JSONObject {
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
  const mutable = ['activeDeadlineSeconds', 'tolerations', 'schedulingGates'];
  if (isGated) mutable.push('nodeSelector', 'affinity');
  const grace = fieldAt(before, 'terminationGracePeriodSeconds');
  if (typeof grace === 'number' && grace < 0 && spec['terminationGracePeriodSeconds'] === 1)
    mutable.push('terminationGracePeriodSeconds');
  for (const field of mutable) {
    if (before[field] === undefined) delete spec[field];
    else spec[field] = before[field];
  }
  return spec;
}

function validateMirror(object: KubernetesObject, old: KubernetesObject): readonly FieldError[] {
  const before = old.metadata.annotations?.[MIRROR];
  const after = object.metadata.annotations?.[MIRROR];
  if (before === after) return [];
  const field = `metadata.annotations[${MIRROR}]`;
  if (before === undefined) return [forbiddenField(field, 'may not add mirror pod annotation')];
  return after === undefined
    ? [forbiddenField(field, 'may not remove mirror pod annotation')]
    : [forbiddenField(field, 'may not update mirror pod annotation')];
}

function validateDeadline(object: KubernetesObject, old: KubernetesObject): readonly FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  const deadline = fieldAt(object, 'spec', 'activeDeadlineSeconds');
  const before = fieldAt(old, 'spec', 'activeDeadlineSeconds');
  if (typeof before !== 'number') return [];
  if (typeof deadline !== 'number')
    return [invalidField(field, null, 'must not update from a positive integer to nil value')];
  return deadline > before
    ? [invalidField(field, deadline, 'must be less than or equal to previous value')]
    : [];
}

function validateAdditions(object: KubernetesObject, old: KubernetesObject): readonly FieldError[] {
  const rest = (toleration: unknown): JSONObject => {
    const { tolerationSeconds: _, ...others } = objectAt(toleration);
    return others;
  };
  const tolerations = listAt(object, 'spec', 'tolerations').map(rest);
  const isKept = listAt(old, 'spec', 'tolerations').every((toleration) =>
    tolerations.some((kept) => sameJSON(kept, rest(toleration))),
  );
  if (isKept) return [];
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  return [forbiddenField('spec.tolerations', why)];
}

function validateGates(object: KubernetesObject, old: KubernetesObject): readonly FieldError[] {
  const before = new Set(
    listAt(old, 'spec', 'schedulingGates').map((gate) => stringAt(gate, 'name')),
  );
  return listAt(object, 'spec', 'schedulingGates').flatMap((gate, index) => {
    const name = stringAt(gate, 'name');
    if (before.has(name)) return [];
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbiddenField(`spec.schedulingGates[${index}].name`, why)];
  });
}

/** Wishes may get narrower, never wider. */
function validatePlacement(object: KubernetesObject, old: KubernetesObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const selector = fieldAt(object, 'spec', 'nodeSelector');
  if (!hasOnlyAdditions(fieldAt(old, 'spec', 'nodeSelector'), selector)) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalidField('spec.nodeSelector', selector, why));
  }
  const affinity = fieldAt(object, 'spec', 'affinity');
  const before = fieldAt(old, 'spec', 'affinity');
  if (sameJSON(affinity, before)) return errors;
  const rest = (of: unknown): unknown => {
    const { nodeAffinity: _, ...others } = objectAt(of);
    return others;
  };
  if (!sameJSON(rest(affinity), rest(before)))
    errors.push(
      invalidField('spec.affinity', affinity, 'only changes to nodeAffinity are allowed'),
    );
  const terms = (of: unknown): readonly unknown[] =>
    listAt(of, 'nodeAffinity', REQUIRED, 'nodeSelectorTerms');
  const path = `spec.affinity.nodeAffinity.${REQUIRED}.nodeSelectorTerms`;
  const [were, are] = [terms(before), terms(affinity)];
  if (were.length === 0) return errors;
  if (were.length !== are.length) {
    const why = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    return [...errors, invalidField(path, are, why)];
  }
  for (const [index, term] of were.entries()) {
    const isNarrower = (['matchExpressions', 'matchFields'] as const).every((list) =>
      listAt(term, list).every((item, at) => sameJSON(item, listAt(are[index], list)[at])),
    );
    if (isNarrower) continue;
    const why = 'only additions are allowed (no mutations or deletions)';
    errors.push(invalidField(`${path}[${index}]`, are[index], why));
  }
  return errors;
}
