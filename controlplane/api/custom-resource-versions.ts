// The versions of a custom kind behind one of them: objects are stored in one version, by the rules that held when they were written,
// and shown in any by the rules of today. As upstream reads: what is stored is pruned and defaulted by the schema of the version it is
// stored in, then becomes the version asked for, of which it must fit the schema too.
import { parseAPIVersion } from './object.ts';
import type { KubernetesObject } from './object.ts';
import type { CustomVersions, ResourceDefinition } from './resource.ts';
import { applyDefaults } from './schema/default.ts';
import { copyJson } from './schema/json-value.ts';
import { pruneUnknown } from './schema/prune.ts';

/** Changes `stored`, which was just decoded, to what it would be had it been written today; apiVersion stays. */
export function refreshStored({ schemaOf }: CustomVersions, stored: KubernetesObject): void {
  const schema = schemaOf(parseAPIVersion(stored.apiVersion).version);
  if (schema === undefined) return;
  pruneUnknown(schema, stored);
  applyDefaults(schema, stored);
}

/** Makes `object` one of another version of its kind, as the strategy None does. Changes it. */
export function relabel(
  { kind, schema }: Pick<ResourceDefinition, 'kind' | 'schema'>,
  apiVersion: string,
  object: KubernetesObject,
): KubernetesObject {
  const isOther = object.apiVersion !== apiVersion;
  object.kind = kind;
  object.apiVersion = apiVersion;
  if (isOther) pruneUnknown(schema, object);
  return object;
}

/** A copy of `object` in the version in which it is stored; `object` itself when it is that already. */
export function inStorageVersion(
  { storage, schemaOf }: CustomVersions,
  object: KubernetesObject,
): KubernetesObject {
  if (object.apiVersion === storage) return object;
  const schema = schemaOf(parseAPIVersion(storage).version);
  const copy = copyJson(object) as KubernetesObject;
  return schema === undefined
    ? { ...copy, apiVersion: storage }
    : relabel({ kind: object.kind, schema }, storage, copy);
}

/** Objects that were written by rules that had just ceased to hold, after the revision at which they did. */
const late = new WeakSet<Buffer>();

export function markLate(bytes: Buffer): void {
  late.add(bytes);
}

/** Forms that a webhook made: they are what they are. */
const final = new WeakSet<Buffer>();
/** Of stored bytes, by the version that they were converted to. */
const forms = new WeakMap<Buffer, WeakMap<ResourceDefinition, Buffer>>();

/** Keeps what a webhook made of `stored` for as long as that is there. */
export function keepForm(definition: ResourceDefinition, stored: Buffer, form: Buffer): void {
  final.add(form);
  const known = forms.get(stored) ?? new WeakMap<ResourceDefinition, Buffer>();
  forms.set(stored, known.set(definition, form));
}

export function isFinal(bytes: Buffer): boolean {
  return final.has(bytes);
}

/** What a webhook made of `stored` for this version; undefined when it has not been asked. */
export function formOf(definition: ResourceDefinition, stored: Buffer): Buffer | undefined {
  return forms.get(stored)?.get(definition);
}

/** Whether what is stored is as it would be written today. Without a revision it is no stored object but one that is just made. */
export function isCurrent(
  versions: CustomVersions | undefined,
  { bytes, revision }: { readonly bytes: Buffer; readonly revision?: number },
): boolean {
  if (versions === undefined || revision === undefined || isFinal(bytes)) return true;
  return revision > versions.since && !late.has(bytes);
}
