// Between stored bytes and the objects that a request works on.
import { isCurrent, refreshStored } from '#controlplane/api/custom-resource-versions.ts';
import type { KubernetesObject, ObjectMeta } from '#controlplane/api/object.ts';
import { apiVersionOf } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { fromStored } from '#controlplane/api/stored-form.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { sameJSON } from './equality.ts';

/** What is stored, as it is stored. */
export function storedJSON(stored: Pick<StoredObject, 'bytes'>): unknown {
  return JSON.parse(stored.bytes.toString());
}

/** A fresh copy, in the version of `definition`. */
export function decodeStored(
  stored: Pick<StoredObject, 'bytes'>,
  definition: ResourceDefinition,
): KubernetesObject {
  return fromStored(definition, storedJSON(stored) as KubernetesObject);
}

/** Whether `stored` is as it would be written now; else even a write that changes nothing brings it up to date, as upstream's does. */
export function isStoredSo(
  { versions, kind }: Pick<ResourceDefinition, 'versions' | 'kind'>,
  stored: StoredObject,
): boolean {
  if (versions === undefined || isCurrent(versions, stored)) return true;
  const object = JSON.parse(stored.bytes.toString()) as KubernetesObject;
  const before = copyJson(object);
  refreshStored(versions, object);
  return object.kind === kind && object.apiVersion === versions.storage && sameJSON(object, before);
}

/** `object` with kind and apiVersion in front, as stored bytes must begin. */
export function inStoredOrder(
  definition: ResourceDefinition,
  object: KubernetesObject,
): KubernetesObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  return {
    kind: definition.kind,
    apiVersion: apiVersionOf(definition.group, definition.version),
    metadata,
    ...rest,
  };
}

/** What a dry run answers with: looks stored, is not. `revision` is that of the object it would replace, or 0. */
export function unstored(
  definition: ResourceDefinition,
  object: KubernetesObject,
  revision = 0,
): StoredObject {
  const ordered = inStoredOrder(definition, object);
  if (revision === 0) delete ordered.metadata.resourceVersion;
  else ordered.metadata.resourceVersion = String(revision);
  const fields: Record<string, string> = {};
  for (const [field, read] of Object.entries(definition.selectableFields))
    fields[field] = read(object);
  return {
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name ?? '',
    uid: object.metadata.uid ?? '',
    revision,
    bytes: Buffer.from(JSON.stringify(ordered)),
    labels: object.metadata.labels ?? {},
    fields,
  };
}

/** The name for messages: the given one, or the prefix that one will be made from. */
export function displayName(metadata: ObjectMeta): string {
  return metadata.name ?? metadata.generateName ?? '';
}
