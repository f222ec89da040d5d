// The last step of every verb: hand the finished object to the store, turn its errors into the API's, tell the parts of
// the registry that follow what is stored.
import { markLate } from '#controlplane/api/custom-resource-versions.ts';
import type { ApiError } from '#controlplane/api/errors.ts';
import { serviceUnavailable } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { toStored } from '#controlplane/api/stored-form.ts';
import { StorageUnavailableError } from '#controlplane/store/errors.ts';
import type { Revision, StoredObject } from '#controlplane/store/types.ts';
import type { Environment } from './environment.ts';

/**
 * @param expectedRevision 0 to create
 * @throws KeyExistsError, RevisionConflictError, and ApiError ServiceUnavailable when the write is not durable
 */
export async function putObject(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  expectedRevision: Revision,
): Promise<StoredObject> {
  const release = env.serviceAddresses.writing(definition, object);
  try {
    const stored = await env.store
      .put(keyOf(definition, object, expectedRevision), toStored(definition, object))
      .catch(unavailable);
    if (isOutdated(env, definition)) markLate(stored.bytes);
    env.customResources.written(definition, stored);
    return stored;
  } finally {
    release();
  }
}

/** Removes the object; watchers see `object` as its last state. Throws as putObject. */
export async function removeObject(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  expectedRevision: Revision,
): Promise<StoredObject> {
  const stored = await env.store
    .delete(keyOf(definition, object, expectedRevision), toStored(definition, object))
    .catch(unavailable);
  env.customResources.removed(definition, stored);
  return stored;
}

/** The rules of a custom kind changed while this write was on its way. */
function isOutdated({ scheme }: Environment, definition: ResourceDefinition): boolean {
  const { group, version, resource, custom } = definition;
  return custom && scheme.byResource(group, version, resource) !== definition;
}

function keyOf(
  definition: ResourceDefinition,
  { metadata }: KubernetesObject,
  expectedRevision: Revision,
): Parameters<Environment['store']['put']>[0] {
  return {
    resource: definition.storageKey,
    namespace: definition.namespaced ? (metadata.namespace ?? '') : '',
    name: metadata.name ?? '',
    expectedRevision,
  };
}

function unavailable(error: unknown): never {
  if (!(error instanceof StorageUnavailableError)) throw error;
  throw asUnavailable(error);
}

function asUnavailable(error: StorageUnavailableError): ApiError {
  return serviceUnavailable(`the change could not be made durable: ${error.message}`, error);
}
