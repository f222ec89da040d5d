// All that the store knows of one resource: objects now, what happened lately, who watches.
import { History } from './history.ts';
import type { HistoryOptions } from './history.ts';
import { ObjectTable } from './object-table.ts';
import type { IndexedObject } from './stored-object.ts';
import type { Revision, StoreEvent } from './types.ts';
import { WatchHub } from './watch.ts';

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
    const event: StoreEvent = {
      type: isDeletion ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED',
      revision: object.revision,
      object,
      ...(previous === undefined ? {} : { previous }),
      frames: new Map(),
    };
    this.history.push(event, at);
    return event;
  }
}
