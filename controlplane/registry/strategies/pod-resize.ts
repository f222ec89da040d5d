// PUT and PATCH of pods/resize: CPU and memory of the containers of a running Pod, and nothing else. Rules and words are upstream's.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import { qosClassOf } from './pod-qos.ts';
import { validatePod } from '../pod-rules/pod-rules.ts';

export const RESIZE = 'resize';

const LISTS = ['containers', 'initContainers'] as const;
const RESIZABLE: ReadonlySet<string> = new Set(['cpu', 'memory']);

/** The stored Pod with the resources and resize policies of `object`; names and counts stay the caller's, to be validated. */
export function mergeResize(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const spec: JSONObject = { ...objectAt(old, 'spec') };
  for (const list of LISTS) {
    const before = listAt(old, 'spec', list);
    const after = listAt(object, 'spec', list);
    if (before.length === 0 && after.length === 0) continue;
    spec[list] =
      before.length === after.length
        ? after.map((container, index) => resized(objectAt(before[index]), objectAt(container)))
        : after;
  }
  return { ...old, metadata: { ...old.metadata }, spec };
}

function resized(before: JSONObject, after: JSONObject): JSONObject {
  const { resources: _, resizePolicy: __, ...rest } = before;
  const { name, resources, resizePolicy } = after;
  return {
    ...rest,
    ...(name === undefined ? {} : { name }),
    ...(resources === undefined ? {} : { resources }),
    ...(resizePolicy === undefined ? {} : { resizePolicy }),
  };
}

export function validateResize(object: KubernetesObject, old: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of LISTS) {
    const before = listAt(old, 'spec', list);
    const after = listAt(object, 'spec', list);
    if (before.length !== after.length) {
      errors.push(
        forbiddenField(`spec.${list}`, `the number of ${list} may not be changed on resize`),
      );
      continue;
    }
    for (const [index, container] of after.entries()) {
      const field = `spec.${list}[${index}]`;
      if (stringAt(container, 'name') !== stringAt(before[index], 'name')) {
        errors.push(
          forbiddenField(`${field}.name`, `${list} may not be renamed or reordered on resize`),
        );
        continue;
      }
      compareResources(container, before[index], `${field}.resources`, errors);
    }
  }
  errors.push(...validatePod(object));
  if (errors.length > 0) return errors;
  const before = stringAt(old, 'status', 'qosClass') || qosClassOf(old);
  const after = qosClassOf(object);
  if (before !== after) {
    errors.push(
      invalidField('spec', after, 'Pod QOS Class may not change as a result of resizing'),
    );
  }
  return errors;
}

function compareResources(
  container: unknown,
  before: unknown,
  field: string,
  errors: FieldError[],
): void {
  const rest = (of: unknown): JSONObject => {
    const { limits: _, requests: __, ...others } = objectAt(of, 'resources');
    return others;
  };
  if (!sameJSON(rest(container), rest(before)))
    errors.push(forbiddenField(field, 'only cpu and memory resources are mutable'));
  for (const part of ['limits', 'requests'] as const) {
    const old = objectAt(before, 'resources', part);
    const now = objectAt(container, 'resources', part);
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const path = `${field}.${part}`;
      if (RESIZABLE.has(name)) {
        if (now[name] === undefined)
          errors.push(forbiddenField(path, `resource ${part} cannot be removed`));
      } else if (!sameJSON(old[name], now[name])) {
        errors.push(
          forbiddenField(`${path}[${name}]`, 'only cpu and memory resources are mutable'),
        );
      }
    }
  }
}
