// A store with virtual resources on top: reads of those are computed, everything else goes through. Their kinds have no
// verbs that write, so that no write of them gets here.
import type { KubernetesObject } from '../api/object.ts';
import type {
  ListOptions,
  ListResult,
  Revision,
  Store,
  StoredObject,
  Subscription,
  WatchSink,
  WriteOptions,
} from './types.ts';
import type { VirtualResource } from './virtual-resource.ts';

export class OverlayStore implements Store {
  readonly #below: Store;
  readonly #virtual: ReadonlyMap<string, VirtualResource>;

  constructor(below: Store, resources: readonly VirtualResource[]) {
    this.#below = below;
    this.#virtual = new Map(resources.map((resource) => [resource.storageKey, resource]));
  }

  get revision(): Revision {
    return this.#below.revision;
  }

  register(
    resource: string,
    selectableFields: Readonly<Record<string, (object: KubernetesObject) => string>>,
  ): void {
    if (!this.#virtual.has(resource)) this.#below.register(resource, selectableFields);
  }

  get(resource: string, namespace: string, name: string): StoredObject | undefined {
    const virtual = this.#virtual.get(resource);
    return virtual === undefined ? this.#below.get(resource, namespace, name) : virtual.get(name);
  }

  list(resource: string, options: ListOptions): ListResult {
    const virtual = this.#virtual.get(resource);
    return virtual === undefined ? this.#below.list(resource, options) : virtual.list(options);
  }

  count(resource: string): number {
    const virtual = this.#virtual.get(resource);
    return virtual === undefined ? this.#below.count(resource) : virtual.list({}).items.length;
  }

  put(options: WriteOptions, object: KubernetesObject): Promise<StoredObject> {
    return this.#below.put(options, object);
  }

  delete(options: WriteOptions, object: KubernetesObject): Promise<StoredObject> {
    return this.#below.delete(options, object);
  }

  settled(resource: string, namespace: string, name: string): Promise<void> {
    return this.#below.settled(resource, namespace, name);
  }

  drained(): Promise<void> {
    return this.#below.drained();
  }

  watch(resource: string, since: Revision, sink: WatchSink): Subscription {
    const virtual = this.#virtual.get(resource);
    return virtual === undefined
      ? this.#below.watch(resource, since, sink)
      : virtual.watch(since, sink);
  }

  reached(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.#below.reached(revision, signal);
  }
}
