// An object in memory: its bytes and an index made when first asked for. Bytes are kept rather than parsed objects: a
// third less memory, and garbage collection does not walk them.
import type { KubernetesObject } from '../api/object.ts';
import type { Revision, StoredObject } from './types.ts';

export type SelectableFields = Readonly<Record<string, (object: KubernetesObject) => string>>;

/** What all objects of a resource share; replaced as a whole when a resource is registered anew. */
export interface FieldIndex {
  selectable: SelectableFields;
}

interface Identity {
  readonly namespace: string;
  readonly name: string;
  readonly revision: Revision;
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Encodes in the order that list handlers rely on: kind, apiVersion, then the rest. Into memory of its own: bytes from Node's pool would
 * hold on to all else of their 8 KiB (bodies of requests, answers) for as long as the object lives, which doubled what objects take.
 */
export function encodeObject(object: KubernetesObject): Buffer {
  const text = JSON.stringify(inStoredOrder(object));
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Copying costs a quarter of the encoding of a small object, and what comes from the store is in order already. */
function inStoredOrder(object: KubernetesObject): KubernetesObject {
  const [first, second] = Object.keys(object);
  if (first === 'kind' && second === 'apiVersion') return object;
  const { kind, apiVersion, metadata, ...rest } = object;
  return { kind, apiVersion, metadata, ...rest };
}

export function parseObject(bytes: Uint8Array): KubernetesObject {
  return JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
  ) as KubernetesObject;
}

export class IndexedObject implements StoredObject {
  readonly namespace: string;
  readonly name: string;
  readonly revision: Revision;
  readonly bytes: Buffer;
  readonly #index: FieldIndex;
  #uid: string | undefined;
  #labels: Readonly<Record<string, string>> | undefined;
  #fields: Readonly<Record<string, string>> | undefined;
  /** What `#fields` was computed with. */
  #fieldsOf: SelectableFields | undefined;

  /** @param object the decoded bytes, where the caller has them: saves decoding them again */
  constructor(identity: Identity, bytes: Buffer, index: FieldIndex, object?: KubernetesObject) {
    this.namespace = identity.namespace;
    this.name = identity.name;
    this.revision = identity.revision;
    this.bytes = bytes;
    this.#index = index;
    if (object !== undefined) this.#fill(object);
  }

  get uid(): string {
    if (this.#uid === undefined) this.#fill(parseObject(this.bytes));
    return this.#uid ?? '';
  }

  get labels(): Readonly<Record<string, string>> {
    if (this.#labels === undefined) this.#fill(parseObject(this.bytes));
    return this.#labels ?? NO_LABELS;
  }

  get fields(): Readonly<Record<string, string>> {
    if (this.#fieldsOf !== this.#index.selectable) this.#fill(parseObject(this.bytes));
    return this.#fields ?? NO_LABELS;
  }

  #fill(object: KubernetesObject): void {
    const { uid, labels } = object.metadata;
    this.#uid = uid ?? '';
    this.#labels = labels === undefined ? NO_LABELS : Object.freeze({ ...labels });
    const { selectable } = this.#index;
    const fields: Record<string, string> = {};
    for (const [field, valueOf] of Object.entries(selectable)) fields[field] = valueOf(object);
    this.#fields = fields;
    this.#fieldsOf = selectable;
  }
}
