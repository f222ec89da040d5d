// What an informer knows: a read view of one kind, indexed. Objects belong to the cache and must not be changed; readers copy.
// A relist swaps the whole content at once, so that no reader sees a half-filled cache.
import type { ApiObject } from './client-types.ts';

/** Index name → the values under which an object is found there. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export type CacheChange<T> =
  | { readonly type: 'Added'; readonly object: T }
  | { readonly type: 'Updated'; readonly object: T; readonly previous: T }
  | { readonly type: 'Deleted'; readonly object: T };

/** What controllers may do with a cache. */
export interface CacheView<T> {
  get(namespace: string, name: string): T | undefined;
  /** In order of namespace and name; without a namespace all of them. */
  list(namespace?: string): readonly T[];
  /** Objects that the named index files under `value`, in order of namespace and name. */
  indexed(index: string, value: string): readonly T[];
  readonly size: number;
}

/** `namespace/name`, or `name` for cluster-scoped objects: also the key of work queues. */
export function keyOf(object: ApiObject): string {
  const { namespace = '', name } = object.metadata;
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Takes a key of keyOf() apart. */
export function parseKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: '', name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

type Index = Map<string, Set<string>>;

interface Content<T> {
  readonly objects: Map<string, T>;
  readonly indices: Readonly<Record<string, Index>>;
}

export class Cache<T extends ApiObject> implements CacheView<T> {
  #indexers: Indexers<T>;
  #content: Content<T>;

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    this.#content = this.#empty();
  }

  /** Adds indices, also over what is already here. */
  addIndexers(indexers: Indexers<T>): void {
    const objects = this.#content.objects;
    this.#indexers = { ...this.#indexers, ...indexers };
    const next = this.#empty();
    for (const [key, object] of objects) this.#insert(next, key, object);
    this.#content = next;
  }

  get size(): number {
    return this.#content.objects.size;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#content.objects.get(namespace === '' ? name : `${namespace}/${name}`);
  }

  list(namespace?: string): readonly T[] {
    const all = this.#inOrder(this.#content.objects.keys());
    return namespace === undefined
      ? all
      : all.filter((object) => object.metadata.namespace === namespace);
  }

  indexed(index: string, value: string): readonly T[] {
    return this.#inOrder(this.#content.indices[index]?.get(value) ?? []);
  }

  /** Takes an object in; undefined when it is the one already held. */
  set(object: T): CacheChange<T> | undefined {
    const key = keyOf(object);
    const previous = this.#content.objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return undefined;
    this.#unindex(key, previous);
    this.#insert(this.#content, key, object);
    return previous === undefined
      ? { type: 'Added', object }
      : { type: 'Updated', object, previous };
  }

  /** Takes an object out; undefined when it was not there. */
  delete(object: T): CacheChange<T> | undefined {
    const key = keyOf(object);
    const previous = this.#content.objects.get(key);
    if (previous === undefined) return undefined;
    this.#unindex(key, previous);
    this.#content.objects.delete(key);
    return { type: 'Deleted', object };
  }

  /** Puts `objects` in place of everything, and tells what that changed: deletions that no watch reported come first. */
  replace(objects: readonly T[]): readonly CacheChange<T>[] {
    const before = this.#content.objects;
    const next = this.#empty();
    for (const object of objects) this.#insert(next, keyOf(object), object);
    this.#content = next;

    const changes: CacheChange<T>[] = [];
    for (const [key, previous] of before) {
      const uid = next.objects.get(key)?.metadata.uid;
      if (uid !== previous.metadata.uid) changes.push({ type: 'Deleted', object: previous });
    }
    for (const [key, object] of next.objects) {
      const previous = before.get(key);
      if (previous === undefined || previous.metadata.uid !== object.metadata.uid) {
        changes.push({ type: 'Added', object });
      } else if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) {
        changes.push({ type: 'Updated', object, previous });
      }
    }
    return changes;
  }

  #inOrder(keys: Iterable<string>): readonly T[] {
    const found: T[] = [];
    for (const key of [...keys].toSorted()) {
      const object = this.#content.objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  #empty(): Content<T> {
    const indices: Record<string, Index> = {};
    for (const name of Object.keys(this.#indexers)) indices[name] = new Map();
    return { objects: new Map(), indices };
  }

  #insert(content: Content<T>, key: string, object: T): void {
    content.objects.set(key, object);
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const index = content.indices[name];
      for (const value of indexer(object)) {
        const keys = index?.get(value);
        if (keys === undefined) index?.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  }

  #unindex(key: string, object: T | undefined): void {
    if (object === undefined) return;
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const index = this.#content.indices[name];
      for (const value of indexer(object)) {
        const keys = index?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(value);
      }
    }
  }
}
