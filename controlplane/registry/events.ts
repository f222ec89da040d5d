// Events are forgotten an hour after their last write. Kept in order of that write, so a sweep costs only what it removes.
import { stringAt } from '#controlplane/api/fields.ts';
import { parseTimestamp } from '#controlplane/api/timestamps.ts';
import type { StoredObject, StoreEvent, Subscription } from '#controlplane/store/types.ts';
import { storedJSON } from './objects.ts';
import { internalContext } from './internal-context.ts';
import type { Environment } from './environment.ts';
import { deleteObject } from './deletion.ts';

const EVENTS = 'core/events';
const EVENT_LIFETIME_MS = 60 * 60 * 1000;
const SWEEP_INTERVAL_MS = 60 * 1000;
/** Removals per round, so that a flood of old events does not hold up other writers. */
const SWEEP_BATCH = 256;

interface Timed {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly writtenMs: number;
}

export class EventExpiry {
  readonly #env: Environment;
  readonly #closing = new AbortController();
  /** Oldest write first: a map keeps insertion order, and a rewrite inserts anew. */
  readonly #written = new Map<string, Timed>();
  #subscription: Subscription | undefined;
  #cancelTimer: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(env: Environment) {
    this.#env = env;
  }

  start(): void {
    const { store, clock } = this.#env;
    const { items, revision } = store.list(EVENTS, {});
    const known = items.map((stored) => timed(stored, lastTimeOf(stored) ?? clock.now()));
    for (const event of known.toSorted((a, b) => a.writtenMs - b.writtenMs)) this.#remember(event);
    this.#subscription = store.watch(EVENTS, revision, {
      events: (events) => this.#follow(events),
      closed: () => undefined,
    });
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the control plane is stopping'));
    this.#cancelTimer?.();
    this.#subscription?.close();
    await this.#sweeping;
  }

  /** Removes what is too old. Called by the timer. */
  async sweep(): Promise<void> {
    const oldest = this.#env.clock.now() - EVENT_LIFETIME_MS;
    const expired: Timed[] = [];
    for (const event of this.#written.values()) {
      if (event.writtenMs > oldest) break;
      expired.push(event);
    }
    for (let start = 0; start < expired.length; start += SWEEP_BATCH) {
      if (this.#closing.signal.aborted) return;
      const batch = expired.slice(start, start + SWEEP_BATCH);
      await Promise.allSettled(batch.map((event) => this.#remove(event)));
    }
  }

  #schedule(): void {
    if (this.#closing.signal.aborted) return;
    this.#cancelTimer = this.#env.clock.schedule(SWEEP_INTERVAL_MS, () => {
      this.#sweeping = this.sweep().finally(() => this.#schedule());
    });
  }

  async #remove({ namespace, name, uid }: Timed): Promise<void> {
    const definition = this.#env.scheme.byResource('', 'v1', 'events');
    if (definition === undefined) return;
    const context = internalContext('event-expiry', this.#closing.signal);
    await deleteObject(
      this.#env,
      { definition, namespace, name },
      { preconditions: { uid } },
      context,
    );
  }

  #follow(events: readonly StoreEvent[]): void {
    const now = this.#env.clock.now();
    for (const { type, object } of events) {
      if (type === 'DELETED') this.#written.delete(keyOf(object));
      else this.#remember(timed(object, now));
    }
  }

  #remember(event: Timed): void {
    const key = keyOf(event);
    this.#written.delete(key);
    this.#written.set(key, event);
  }
}

function timed({ namespace, name, uid }: StoredObject, writtenMs: number): Timed {
  return { namespace, name, uid, writtenMs };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** After a restart the time of the last write is taken from the event itself. */
function lastTimeOf(stored: StoredObject): number | undefined {
  const event = storedJSON(stored);
  for (const path of [
    ['series', 'lastObservedTime'],
    ['lastTimestamp'],
    ['eventTime'],
    ['metadata', 'creationTimestamp'],
  ]) {
    const time = parseTimestamp(stringAt(event, ...path));
    if (time !== undefined) return time;
  }
  return undefined;
}
