// The body of an apply: is it a configuration of the kind that the URL names? In upstream's words.
import { ApiError, badRequest } from '#controlplane/api/errors.ts';
import { isObject, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkConfiguration } from '#controlplane/api/managed-fields/check-configuration.ts';
import { apiVersionOf } from '#controlplane/api/object.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';

/**
 * @param kind that is expected
 * @param namespace of the URL, for messages
 * @throws ApiError BadRequest, or 500 for wrong types and unknown fields, as upstream answers them
 */
export function acceptConfiguration(
  kind: Pick<ResourceDefinition, 'group' | 'version' | 'kind' | 'schema'>,
  namespace: string,
  patch: unknown,
): KubernetesObject {
  if (!isObject(patch)) {
    const found = Array.isArray(patch) ? 'array' : typeof patch;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
    );
  }
  const apiVersion = apiVersionOf(kind.group, kind.version);
  const sent = { apiVersion: stringAt(patch, 'apiVersion'), kind: stringAt(patch, 'kind') };
  if (sent.apiVersion !== apiVersion || sent.kind !== kind.kind) {
    throw badRequest(`invalid object type: ${typeText(sent.apiVersion, sent.kind)}`);
  }
  const metadata = objectAt(patch, 'metadata');
  if ((metadata['managedFields'] ?? undefined) !== undefined) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const errors = checkConfiguration(kind.schema, patch);
  if (errors.length === 0) return patch as KubernetesObject;
  const where = `${stringAt(metadata, 'namespace') || namespace}/${stringAt(metadata, 'name')}`;
  const list = errors.length === 1 ? (errors[0] ?? '') : `errors:\n  ${errors.join('\n  ')}`;
  throw new ApiError(
    500,
    '',
    `failed to create typed patch object (${where}; ${typeText(apiVersion, kind.kind)}): ${list}`,
  );
}

/** `/v1, Kind=Pod`, `apps/v1, Kind=Deployment`: as Go prints a type. */
function typeText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;
}

export function strictApplyError(text: string): ApiError {
  const why = text.replace(/^strict decoding error: (?=yaml:)/, 'error converting YAML to JSON: ');
  return badRequest(`error strict decoding YAML: ${why}`);
}
