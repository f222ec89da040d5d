// Fan-out of a resource's events: synchronous calls, one array per batch. A sink that throws loses its subscription and
// disturbs nobody else.
import type { Revision, StoreEvent, Subscription, WatchSink } from './types.ts';

interface Watcher {
  readonly sink: WatchSink;
  /** Events up to here were delivered, or are not wanted. */
  since: Revision;
}

export class WatchHub {
  readonly #watchers = new Set<Watcher>();

  get size(): number {
    return this.#watchers.size;
  }

  /** @param past events that come before anything live */
  add(past: readonly StoreEvent[], since: Revision, sink: WatchSink): Subscription {
    const watcher = { sink, since };
    this.#watchers.add(watcher);
    this.#deliver(watcher, past);
    return {
      close: () => {
        this.#watchers.delete(watcher);
      },
    };
  }

  publish(events: readonly StoreEvent[]): void {
    for (const watcher of this.#watchers) this.#deliver(watcher, events);
  }

  close(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) tellClosed(watcher.sink);
  }

  #deliver(watcher: Watcher, events: readonly StoreEvent[]): void {
    const { since } = watcher;
    const isAllNew = (events[0]?.revision ?? 0) > since;
    // Only a watch from a revision in the future has to look at each event.
    const wanted = isAllNew ? events : events.filter(({ revision }) => revision > since);
    const last = wanted.at(-1);
    if (last === undefined) return;
    watcher.since = last.revision;
    try {
      watcher.sink.events(wanted);
    } catch {
      this.#watchers.delete(watcher);
      tellClosed(watcher.sink);
    }
  }
}

function tellClosed(sink: WatchSink): void {
  try {
    sink.closed();
  } catch {
    // It has no subscription any more; there is nobody left to tell.
  }
}
