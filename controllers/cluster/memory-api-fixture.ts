// An API server in memory, as far as a controller needs one: versions, generations, finalizers, owners' deletions, merge patches.
// It can end whoever writes after so many writes, and counts who wrote what.
import type {
  ApiObject,
  ApiResource,
  Client,
  ClientPatchType,
  DeleteRequest,
  ObjectList,
  Selectors,
} from '../machinery/client-types.ts';
import { RequestError } from '../machinery/request-error.ts';

type Mutable = ApiObject & { readonly spec?: unknown; readonly status?: unknown };

/** Thrown in place of an answer: whoever asked is dead from then on. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

export class MemoryApi {
  readonly #objects = new Map<string, Mutable>();
  #version = 0;
  /** Writes that changed something, by whom. */
  readonly writes = new Map<string, number>();
  readonly #listeners: (() => void)[] = [];

  get version(): number {
    return this.#version;
  }

  onWrite(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A client that ends after `writesLeft` writes: before the next one, or after it and before its answer. */
  client(
    who: string,
    crash?: { readonly writesLeft: number; readonly afterWrite: boolean },
  ): Client {
    let left = crash?.writesLeft ?? Infinity;
    const write = <T>(work: () => T): Promise<T> => {
      if (left < 0) return Promise.reject(new CrashError());
      left -= 1;
      if (left < 0 && crash?.afterWrite === false) return Promise.reject(new CrashError());
      try {
        const before = this.#version;
        const answer = work();
        if (this.#version !== before) {
          this.writes.set(who, (this.writes.get(who) ?? 0) + 1);
          for (const listener of this.#listeners) listener();
        }
        return left < 0 ? Promise.reject(new CrashError()) : Promise.resolve(answer);
      } catch (error) {
        return Promise.reject(error);
      }
    };
    const unused = (): never => {
      throw new Error('not in this API');
    };
    return {
      get: <T extends ApiObject>(resource: ApiResource, namespace: string, name: string) =>
        Promise.resolve().then(() => this.#get(resource, namespace, name) as T),
      list: <T extends ApiObject>(resource: ApiResource, selectors: Selectors) =>
        Promise.resolve(this.list<T>(resource, selectors.namespace)),
      create: <T extends ApiObject>(resource: ApiResource, namespace: string, object: object) =>
        write(() => this.create(resource, namespace, object) as T),
      update: <T extends ApiObject>(resource: ApiResource, object: T, subresource: string) =>
        write(() => this.#update(resource, object, subresource) as T),
      patch: <T extends ApiObject>(
        resource: ApiResource,
        namespace: string,
        name: string,
        subresource: string,
        _type: ClientPatchType,
        patch: unknown,
      ) => write(() => this.#patch(resource, namespace, name, subresource, patch) as T),
      delete: (resource, namespace, name, request) =>
        write(() => this.#delete(resource, namespace, name, request)),
      watch: unused,
      connect: unused,
      getPath: unused,
      getText: unused,
    };
  }

  list<T extends ApiObject>(resource: ApiResource, namespace = ''): ObjectList<T> {
    const prefix = keyOf(resource, namespace, '');
    const items = [...this.#objects]
      .filter(([key]) => key.startsWith(prefix))
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object as unknown as T);
    return { metadata: { resourceVersion: String(this.#version) }, items };
  }

  create(resource: ApiResource, namespace: string, object: object): ApiObject {
    const draft = object as Mutable;
    const key = keyOf(resource, namespace, draft.metadata.name);
    if (this.#objects.has(key)) throw new RequestError(409, 'AlreadyExists', `${key} exists`);
    const version = this.#next();
    const stored: Mutable = {
      ...draft,
      metadata: {
        ...draft.metadata,
        namespace,
        uid: `uid-${version}`,
        generation: 1,
        resourceVersion: String(version),
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
    };
    this.#objects.set(key, stored);
    return stored;
  }

  #get(resource: ApiResource, namespace: string, name: string): Mutable {
    const key = keyOf(resource, namespace, name);
    const object = this.#objects.get(key);
    if (object === undefined) throw new RequestError(404, 'NotFound', `${key} not found`);
    return object;
  }

  #update(resource: ApiResource, object: Mutable, subresource: string): ApiObject {
    const { namespace = '', name, resourceVersion } = object.metadata;
    const current = this.#get(resource, namespace, name);
    if (resourceVersion !== current.metadata.resourceVersion)
      throw new RequestError(409, 'Conflict', `${name} was changed`);
    return this.#store(resource, current, object, subresource);
  }

  #patch(
    resource: ApiResource,
    namespace: string,
    name: string,
    subresource: string,
    patch: unknown,
  ): ApiObject {
    const current = this.#get(resource, namespace, name);
    const merged = merge(current, patch) as Mutable;
    if (merged.metadata.resourceVersion !== current.metadata.resourceVersion)
      throw new RequestError(409, 'Conflict', `${name} was changed`);
    return this.#store(resource, current, merged, subresource);
  }

  #store(resource: ApiResource, current: Mutable, wanted: Mutable, subresource: string): ApiObject {
    const isStatus = subresource === 'status';
    const content = isStatus
      ? { ...current, status: wanted.status }
      : { ...wanted, status: current.status };
    if (JSON.stringify(content) === JSON.stringify(current)) return current;
    const isNewSpec = JSON.stringify(content.spec) !== JSON.stringify(current.spec);
    const stored: Mutable = {
      ...content,
      metadata: {
        ...content.metadata,
        generation: (current.metadata.generation ?? 1) + Number(isNewSpec),
        resourceVersion: String(this.#next()),
      },
    };
    const key = keyOf(resource, current.metadata.namespace ?? '', current.metadata.name);
    const isGone =
      stored.metadata.deletionTimestamp !== undefined &&
      (stored.metadata.finalizers ?? []).length === 0;
    if (isGone) this.#objects.delete(key);
    else this.#objects.set(key, stored);
    return stored;
  }

  #delete(resource: ApiResource, namespace: string, name: string, { uid }: DeleteRequest): void {
    const current = this.#get(resource, namespace, name);
    if (uid !== undefined && uid !== current.metadata.uid)
      throw new RequestError(409, 'Conflict', `${name} is another`);
    if (current.metadata.deletionTimestamp !== undefined) return;
    const metadata = { ...current.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' };
    const key = keyOf(resource, namespace, name);
    const version = String(this.#next());
    if ((metadata.finalizers ?? []).length === 0) this.#objects.delete(key);
    else
      this.#objects.set(key, { ...current, metadata: { ...metadata, resourceVersion: version } });
  }

  #next(): number {
    this.#version += 1;
    return this.#version;
  }
}

function keyOf({ resource }: ApiResource, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`;
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field];
    else if (value !== undefined) result[field] = merge(result[field], value);
  }
  return result;
}
