// Stored bytes → the bytes a client asked for, without parsing where that can be: the object as it lies, the object as
// an item of a list (built-in kinds leave out kind and apiVersion there), or its metadata only.
import { decodeStored } from '../registry/objects.ts';
import { apiVersionOf } from '../api/object.ts';
import { formOf, isCurrent } from '../api/custom-resource-versions.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { StoredObject } from '../store/types.ts';

/** `{"kind":"Pod","apiVersion":"v1",`: what every stored object of the kind starts with. */
const prefixes = new WeakMap<ResourceDefinition, Buffer>();

const OPENING_BRACE = Buffer.from('{');

function prefixOf(definition: ResourceDefinition): Buffer {
  let prefix = prefixes.get(definition);
  if (prefix === undefined) {
    const apiVersion = apiVersionOf(definition.group, definition.version);
    prefix = Buffer.from(
      `{"kind":${JSON.stringify(definition.kind)},"apiVersion":${JSON.stringify(apiVersion)},`,
    );
    prefixes.set(definition, prefix);
  }
  return prefix;
}

function hasPrefix(bytes: Buffer, prefix: Buffer): boolean {
  return (
    bytes.length > prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
  );
}

/** What is shown: a stored object, or one that was never stored and is in its form already. */
export type Shown = Pick<StoredObject, 'bytes'> & Partial<Pick<StoredObject, 'revision'>>;

/** What became of bytes that were stored by other rules than today's: a list of them shall not pay for that each time. */
const renewed = new WeakMap<
  Buffer,
  { readonly definition: ResourceDefinition; readonly bytes: Buffer }
>();

/** The object as this version of its kind shows it. The same buffer unless it was stored under another version or schema. */
export function objectBytes(definition: ResourceDefinition, stored: Shown): Buffer {
  if (hasPrefix(stored.bytes, prefixOf(definition)) && isCurrent(definition.versions, stored)) {
    return stored.bytes;
  }
  const form = formOf(definition, stored.bytes);
  if (form !== undefined) return form;
  if (definition.versions === undefined) return encode(decodeStored(stored, definition));
  const known = renewed.get(stored.bytes);
  if (known?.definition === definition) return known.bytes;
  const bytes = encode(decodeStored(stored, definition));
  renewed.set(stored.bytes, { definition, bytes });
  return bytes;
}

/** Clients that scan for the head of an object find it where it always is. */
function encode({ kind, apiVersion, ...rest }: KubernetesObject): Buffer {
  return Buffer.from(JSON.stringify({ kind, apiVersion, ...rest }));
}

/** The object as an item of a list, in one or two pieces that must be written one after the other. */
export function itemPieces(
  definition: ResourceDefinition,
  stored: Shown,
): readonly [Buffer] | readonly [Buffer, Buffer] {
  if (definition.custom) return [objectBytes(definition, stored)];
  const prefix = prefixOf(definition);
  if (hasPrefix(stored.bytes, prefix)) {
    return [OPENING_BRACE, stored.bytes.subarray(prefix.length)];
  }
  const { kind: _kind, apiVersion: _apiVersion, ...item } = decodeStored(stored, definition);
  return [Buffer.from(JSON.stringify(item))];
}

/** meta.k8s.io PartialObjectMetadata: what garbage collectors and metadata informers ask for. */
export function partialMetadata(
  object: KubernetesObject,
  metaVersion: string,
): Record<string, unknown> {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: object.metadata,
  };
}
