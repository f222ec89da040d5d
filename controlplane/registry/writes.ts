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
import { admitToNamespace } from './namespaces.ts';
import { storedJSON } from './objects.ts';

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
    const form = asksWebhook(definition, object)
      ? await convertedForm(env, definition, object, expectedRevision === 0)
      : toStored(definition, object);
    const stored = await env.store
      .put(keyOf(definition, object, expectedRevision), form)
      .catch(unavailable);
    if (isOutdated(env, definition)) markLate(stored.bytes);
    env.customResources.written(definition, stored);
    return stored;
  } finally {
    release();
  }
}

/**
 * Removes the object; watchers see `object` as its last state. Throws as putObject.
 *
 * @param unchanged what is stored, where that is the last state: then nobody need convert it
 */
export async function removeObject(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  expectedRevision: Revision,
  unchanged?: StoredObject,
): Promise<StoredObject> {
  const form = !asksWebhook(definition, object)
    ? toStored(definition, object)
    : unchanged !== undefined
      ? (storedJSON(unchanged) as KubernetesObject)
      : await convertedForm(env, definition, object, false);
  const stored = await env.store
    .delete(keyOf(definition, object, expectedRevision), form)
    .catch(unavailable);
  env.customResources.removed(definition, stored);
  return stored;
}

function asksWebhook({ versions }: ResourceDefinition, { apiVersion }: KubernetesObject): boolean {
  return versions?.webhook !== undefined && versions.storage !== apiVersion;
}

/** What may begin is asked again: a webhook takes its time, and meanwhile others may come and go. */
async function convertedForm(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  isNew: boolean,
): Promise<KubernetesObject> {
  const form = await env.conversions.toStorage(definition, object);
  const { name = '', namespace = '' } = object.metadata;
  if (isNew && definition.namespaced) admitToNamespace(env, definition, namespace, name);
  if (isNew) env.customResources.admitCreate(definition, name);
  return form;
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
