// Between the version of a kind that is stored and the one that a request speaks. Most kinds have one version, and most
// versions differ in apiVersion only.
import { inStorageVersion, refreshStored, relabel } from './custom-resource-versions.ts';
import type { KubernetesObject } from './object.ts';
import { apiVersionOf } from './object.ts';
import type { ResourceDefinition } from './resource.ts';

/** A decoded stored object, in the version of `definition`. May reuse or change what it is given. */
export function fromStored(
  definition: ResourceDefinition,
  stored: KubernetesObject,
): KubernetesObject {
  const { storedAs, versions } = definition;
  const apiVersion = apiVersionOf(definition.group, definition.version);
  if (versions !== undefined) {
    refreshStored(versions, stored);
    return relabel(definition, apiVersion, stored);
  }
  // What a dry run made was never stored: it is in the request's version already.
  const object = stored.apiVersion === storedAs?.apiVersion ? storedAs.read(stored) : stored;
  object.kind = definition.kind;
  object.apiVersion = apiVersion;
  return object;
}

/** `object` as it is to be stored. */
export function toStored(
  { storedAs, versions }: ResourceDefinition,
  object: KubernetesObject,
): KubernetesObject {
  if (versions !== undefined) return inStorageVersion(versions, object);
  return storedAs === undefined
    ? object
    : { ...storedAs.write(object), apiVersion: storedAs.apiVersion };
}
