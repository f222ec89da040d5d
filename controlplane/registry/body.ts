// The first checks of a body: is it the kind, name and namespace that the URL says?
import { badRequest } from '#controlplane/api/errors.ts';
import { isObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { apiVersionOf } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { checkMetadataTypes } from './metadata.ts';
import { cannotHandle } from './problems.ts';

/** Checks kind, apiVersion and metadata's types; fills in what is absent. @throws ApiError 400 */
export function acceptBody(definition: ResourceDefinition, object: KubernetesObject): void {
  if (!isObject(object)) throw badRequest('the body of the request is not an object');
  const apiVersion = apiVersionOf(definition.group, definition.version);
  const sent = object as Partial<KubernetesObject>;
  if (sent.apiVersion !== undefined && sent.apiVersion !== '' && sent.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${sent.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (sent.kind !== undefined && sent.kind !== '' && sent.kind !== definition.kind) {
    throw cannotHandle(definition, `the kind in the data is ${sent.kind}`);
  }
  object.apiVersion = apiVersion;
  object.kind = definition.kind;
  if (sent.metadata === undefined) object.metadata = {};
  checkMetadataTypes(definition, object);
}

/** The namespace of body and URL must agree; an absent one is filled in. @throws ApiError 400 */
export function matchNamespace(
  definition: ResourceDefinition,
  object: KubernetesObject,
  namespace: string,
): void {
  if (!definition.namespaced) {
    delete object.metadata.namespace;
    return;
  }
  const sent = object.metadata.namespace ?? '';
  if (sent !== '' && sent !== namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request (${sent} is not ${namespace})`,
    );
  }
  object.metadata.namespace = namespace;
}

/** The same for the name, on writes to a named object. @throws ApiError 400 */
export function matchName(object: KubernetesObject, name: string): void {
  const sent = object.metadata.name ?? '';
  if (sent !== '' && sent !== name) {
    throw badRequest(
      `the name of the object (${sent}) does not match the name on the URL (${name})`,
    );
  }
  object.metadata.name = name;
}
