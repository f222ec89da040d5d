// Who owns an object. Pure helpers around metadata.ownerReferences.
import type { ApiObject, ApiResource } from './client-types.ts';
import { apiVersionOf } from './resource-path.ts';

export type OwnerReference = NonNullable<ApiObject['metadata']['ownerReferences']>[number];

/** The reference with which `owner` controls what it makes; deleting the owner in the foreground waits for it. */
export function controllerReference(resource: ApiResource, owner: ApiObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The one owner that manages the object, if any. */
export function controllerOf(object: ApiObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Index values for caches: the uid of the controlling owner. */
export function controllerUIDs(object: ApiObject): readonly string[] {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [owner.uid];
}
