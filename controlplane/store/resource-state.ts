// All that the store knows of one resource: objects now, what happened lately, who watches.
import { History } from './history.ts';
import type { HistoryOptions } from './history.ts';
import { ObjectTable } from './object-table.ts';
import type { IndexedObject } from './stored-object.ts';
import type { Revision, StoreEvent, WatchEventType } from './types.ts';
import { WatchHub } from './watch.ts';

class ObjectEvent implements StoreEvent {
  readonly type: WatchEventType;
  readonly object: IndexedObject;
  readonly previous: IndexedObject | undefined;
  #frames: Map<string, Buffer> | undefined;

  constructor(type: WatchEventType, object: IndexedObject, previous: IndexedObject | undefined) {
    this.type = type;
    this.object = object;
    this.previous = previous;
  }

  get revision(): Revision {
    return this.object.revision;
  }

  /** Made when the first watcher asks: most events have none, and the history keeps thousands. */
  get frames(): Map<string, Buffer> {
    return (this.#frames ??= new Map());
  }
}

export class ResourceState {
  readonly table: ObjectTable;
  readonly history: History;
  readonly watchers = new WatchHub();

  constructor(resource: string, options: HistoryOptions, floor: Revision) {
    this.table = new ObjectTable(resource);
    this.history = new History(options, floor);
  }

  /**
   * Applies one durable change to the objects and the history; watchers are told by the caller, once per batch.
   *
   * @param at milliseconds, for the history's age
   */
  apply(key: string, object: IndexedObject, isDeletion: boolean, at: number): StoreEvent {
    const previous = this.table.get(key);
    if (isDeletion) this.table.delete(key);
    else this.table.set(key, object);
    const type = isDeletion ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
    const event = new ObjectEvent(type, object, previous);
    this.history.push(event, at);
    return event;
  }
}
