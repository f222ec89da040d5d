// A resource that nobody stores: its objects are computed when they are asked for, and it goes on being readable while the
// storage is dead. Their resourceVersion is the store's visible revision at their last change.
//
// A watch keeps no history: one that goes on from revision R is sent every object that changed at R or later, once more
// where it has seen it already. From before the time when objects last vanished (the start of the process among them)
// it is told to list again.
import { expired } from '../api/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import { sortKey } from './keys.ts';
import { listObjects } from './listing.ts';
import { ResourceState } from './resource-state.ts';
import { encodeObject, IndexedObject } from './stored-object.ts';
import type {
  ListOptions,
  ListResult,
  Revision,
  StoredObject,
  StoreEvent,
  Subscription,
  WatchSink,
} from './types.ts';

export interface VirtualResourceOptions {
  /** As in ResourceDefinition. */
  readonly storageKey: string;
  /** All objects as they are now, cluster-scoped, without resourceVersion. */
  readonly read: () => readonly KubernetesObject[];
  /** The store's newest visible revision. */
  readonly revision: () => Revision;
}

const NO_HISTORY = { maximumEvents: 0, maximumBytes: 0, maximumAgeMs: 0 };

export class VirtualResource {
  readonly storageKey: string;
  readonly #read: () => readonly KubernetesObject[];
  readonly #revision: () => Revision;
  readonly #state: ResourceState;
  /** What each object was encoded as without its resourceVersion. */
  readonly #known = new Map<string, string>();
  readonly #sinks = new Set<WatchSink>();
  /** Objects that vanished did so at this revision or before. */
  #floor: Revision;

  constructor(options: VirtualResourceOptions) {
    this.storageKey = options.storageKey;
    this.#read = options.read;
    this.#revision = options.revision;
    this.#floor = options.revision();
    this.#state = new ResourceState(options.storageKey, NO_HISTORY, this.#floor);
  }

  get isWatched(): boolean {
    return this.#sinks.size > 0;
  }

  get(name: string): StoredObject | undefined {
    this.refresh();
    return this.#state.table.get(sortKey('', name));
  }

  list(options: ListOptions): ListResult {
    this.refresh();
    const revision = this.#revision();
    // Pages that follow show the present: objects are few, and nobody keeps what they were.
    const isOlder =
      options.exactRevision !== undefined &&
      options.exactRevision < revision &&
      options.startAfter === undefined;
    if (isOlder) throw expired(`too old resource version: ${options.exactRevision} (${revision})`);
    const { exactRevision: _exact, ...present } = options;
    return listObjects(this.#state.table, present, revision, () => []);
  }

  /** @throws ApiError Expired */
  watch(since: Revision, sink: WatchSink): Subscription {
    this.refresh();
    if (since < this.#floor) throw expired(`too old resource version: ${since} (${this.#floor})`);
    this.#sinks.add(sink);
    const again = [...this.#state.table.sortedKeys.all()].flatMap((key) => {
      const object = this.#state.table.get(key);
      return object === undefined || object.revision < since ? [] : [repetition(object)];
    });
    this.#deliver(sink, again);
    return {
      close: () => {
        this.#sinks.delete(sink);
      },
    };
  }

  /** Looks what has changed and tells the watchers. */
  refresh(): void {
    const revision = this.#revision();
    const events: StoreEvent[] = [];
    const gone = new Set(this.#known.keys());
    for (const object of this.#read()) {
      const { name = '' } = object.metadata;
      gone.delete(name);
      const text = JSON.stringify(object);
      if (this.#known.get(name) === text) continue;
      this.#known.set(name, text);
      events.push(this.#apply(name, object, revision, false));
    }
    for (const name of gone) {
      this.#known.delete(name);
      const last = this.#state.table.get(sortKey('', name));
      if (last === undefined) continue;
      const object = JSON.parse(last.bytes.toString()) as KubernetesObject;
      events.push(this.#apply(name, object, revision, true));
      this.#floor = revision;
    }
    if (events.length === 0) return;
    for (const sink of this.#sinks) this.#deliver(sink, events);
  }

  /** No more events will come. */
  close(): void {
    const sinks = [...this.#sinks];
    this.#sinks.clear();
    for (const sink of sinks) sink.closed();
  }

  #apply(name: string, object: KubernetesObject, revision: Revision, isGone: boolean): StoreEvent {
    object.metadata.resourceVersion = String(revision);
    const { table } = this.#state;
    const place = { namespace: '', name, revision };
    const indexed = new IndexedObject(place, encodeObject(object), table.index, object);
    return this.#state.apply(sortKey('', name), indexed, isGone, 0);
  }

  #deliver(sink: WatchSink, events: readonly StoreEvent[]): void {
    if (events.length === 0) return;
    try {
      sink.events(events);
    } catch {
      // A sink that cannot take events is over, and disturbs nobody else.
      this.#sinks.delete(sink);
      sink.closed();
    }
  }
}

/** An object that the watcher may have seen: as a change from itself to itself. */
function repetition(object: StoredObject): StoreEvent {
  return {
    type: 'MODIFIED',
    revision: object.revision,
    object,
    previous: object,
    frames: new Map(),
  };
}
