// What a write of an object or of one of its subresources may change of it.
import { badRequest } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from './strategy.ts';
import { hasStatus } from './strategy-table.ts';
import type { Target } from './types.ts';

/** Which part of the client's object counts: all but status, status only, or (finalize) spec.finalizers only. */
export function withSubresource(
  strategy: Strategy,
  definition: Target['definition'],
  subresource: string,
  object: KubernetesObject,
  old: KubernetesObject,
): KubernetesObject {
  switch (subresource) {
    case '':
      if (hasStatus(definition)) copyField(object, old, 'status');
      return object;
    case 'status': {
      const merged: KubernetesObject = { ...old, metadata: { ...old.metadata } };
      copyField(merged, object, 'status');
      // Node agents annotate and label with status writes; custom resources change nothing but status.
      if (!definition.custom) {
        copyField(merged.metadata, object.metadata, 'labels');
        copyField(merged.metadata, object.metadata, 'annotations');
      }
      return merged;
    }
    default:
      // The strategy takes over what this subresource may change; everything else stays.
      if (strategy.mergeSubresource === undefined) throw badRequest(`cannot update ${subresource}`);
      return strategy.mergeSubresource(object, old, subresource);
  }
}

function copyField(to: object, from: object, field: string): void {
  const value = Object.getOwnPropertyDescriptor(from, field)?.value as unknown;
  if (value === undefined) Reflect.deleteProperty(to, field);
  else Object.assign(to, { [field]: value });
}
