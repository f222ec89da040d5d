// Between stored bytes and the objects that a request works on.
import {
  formOf,
  isCurrent,
  isFinal,
  refreshStored,
} from '#controlplane/api/custom-resource-versions.ts';
import type { KubernetesObject, ObjectMeta } from '#controlplane/api/object.ts';
import { apiVersionOf } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { fromStored } from '#controlplane/api/stored-form.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { sameJSON } from './equality.ts';

/** Behind the kind, with which stored bytes begin. */
const VERSION_FIELD = '","apiVersion":"';

/** What is stored, as it is stored. */
export function storedJSON(stored: Pick<StoredObject, 'bytes'>): unknown {
  return JSON.parse(stored.bytes.toString());
}

/** A fresh copy, in the version of `definition`. */
export function decodeStored(
  stored: Pick<StoredObject, 'bytes'>,
  definition: ResourceDefinition,
): KubernetesObject {
  const form = formOf(definition, stored.bytes);
  const object = storedJSON(form === undefined ? stored : { bytes: form }) as KubernetesObject;
  if (form !== undefined || isFinal(stored.bytes)) return object;
  // Whoever reads must have had it converted: what comes out otherwise would be of no version at all.
  if (needsConversion(definition, stored)) {
    throw new TypeError(`${object.apiVersion} ${object.kind} was read without its webhook`);
  }
  return fromStored(definition, object);
}

/** Whether only a webhook knows what `stored` is in the version of `definition`. */
export function needsConversion(
  { group, version, versions }: ResourceDefinition,
  { bytes }: Pick<StoredObject, 'bytes'>,
): boolean {
  if (versions?.webhook === undefined || isFinal(bytes)) return false;
  return !isOfVersion({ group, version }, { bytes });
}

/** Whether the version of `definition` is the one in which it is stored. */
export function isOfVersion(
  { group, version }: Pick<ResourceDefinition, 'group' | 'version'>,
  { bytes }: Pick<StoredObject, 'bytes'>,
): boolean {
  // The first one: owners of fields have versions too.
  const at = bytes.indexOf(VERSION_FIELD);
  const own = `${VERSION_FIELD}${apiVersionOf(group, version)}",`;
  return at >= 0 && bytes.toString('utf8', at, at + Buffer.byteLength(own)) === own;
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
