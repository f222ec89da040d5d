// Keeps a Cache equal to what the server has of one kind: list, then watch, list again when history is lost. A state machine with named
// states after kube-rs' watcher (client-node's ListWatch ends for good on the first odd error). It never gives up: errors only delay it.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { backoffMs } from '#platform/backoff.ts';
import type { Logger } from '#platform/logging.ts';
import { Cache } from './cache.ts';
import type { CacheChange, CacheView, Indexers } from './cache.ts';
import type { ApiObject, ApiResource, Client, Selectors } from './client-types.ts';
import { isExpired, isNotFound, isTooLargeResourceVersion } from './request-error.ts';

export type InformerState =
  /** Asks for everything. */
  | { readonly name: 'Listing'; readonly failures: number }
  /** Follows changes after `resourceVersion`. */
  | { readonly name: 'Watching'; readonly resourceVersion: string; readonly failures: number }
  /** Waits before it goes on with `next`. */
  | { readonly name: 'BackingOff'; readonly delayMs: number; readonly next: InformerState };

export interface InformerOptions<T> {
  readonly client: Client;
  readonly resource: ApiResource;
  readonly selectors?: Selectors;
  readonly indexers?: Indexers<T>;
  /** Makes what the cache holds of what the server sends: to keep less of it. */
  readonly transform?: (object: T) => T;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

export type ChangeListener<T> = (change: CacheChange<T>) => void;

const BACKOFF = { initialMs: 100, maximumMs: 15_000, jitter: 0.5 };
/** A watch that ends sooner and brought nothing counts as a failure, or a broken proxy would make us spin. */
const SHORT_WATCH_MS = 1_000;

export class Informer<T extends ApiObject> {
  readonly #options: InformerOptions<T>;
  readonly #cache: Cache<T>;
  readonly #listeners = new Set<ChangeListener<T>>();
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #state: InformerState = { name: 'Listing', failures: 0 };

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#cache = new Cache(options.indexers);
  }

  get cache(): CacheView<T> {
    return this.#cache;
  }

  addIndexers(indexers: Indexers<T>): void {
    this.#cache.addIndexers(indexers);
  }

  get state(): InformerState {
    return this.#state;
  }

  /** True once the cache has held everything for the first time. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Calls `listener` for each change after it is in the cache, first for all that is there now. Returns how to stop that. */
  onChange(listener: ChangeListener<T>): () => void {
    for (const object of this.#cache.list()) listener({ type: 'Added', object });
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves once the cache has been filled; rejects with the signal's reason when that comes first. */
  async synced(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Works until the signal aborts, then resolves. Call once. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#state = await this.#step(this.#state, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#state = this.#afterError(this.#state, error);
      }
    }
  }

  async #step(state: InformerState, signal: AbortSignal): Promise<InformerState> {
    switch (state.name) {
      case 'Listing':
        return this.#list(signal);
      case 'Watching':
        return this.#watch(state, signal);
      case 'BackingOff':
        await sleep(this.#options.clock, state.delayMs, signal);
        return state.next;
    }
  }

  async #list(signal: AbortSignal): Promise<InformerState> {
    const { client, resource, selectors = {} } = this.#options;
    const list = await client.list<T>(resource, selectors, signal);
    const { transform } = this.#options;
    const items = transform === undefined ? list.items : list.items.map(transform);
    for (const change of this.#cache.replace(items)) this.#notify(change);
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve();
    }
    return { name: 'Watching', resourceVersion: list.metadata.resourceVersion, failures: 0 };
  }

  async #watch(
    state: InformerState & { name: 'Watching' },
    signal: AbortSignal,
  ): Promise<InformerState> {
    const { client, resource, selectors = {}, clock, transform } = this.#options;
    const startedAt = clock.monotonic();
    let brought = 0;
    for await (const event of client.watch<T>(resource, selectors, state.resourceVersion, signal)) {
      brought += 1;
      if (event.type === 'BOOKMARK') {
        this.#advance(event.resourceVersion);
        continue;
      }
      const object = transform === undefined ? event.object : transform(event.object);
      const change =
        event.type === 'DELETED' ? this.#cache.delete(object) : this.#cache.set(object);
      this.#advance(object.metadata.resourceVersion);
      if (change !== undefined) this.#notify(change);
    }
    signal.throwIfAborted();
    // #advance moved the position on: what matters now is the state held, not the one this watch began with.
    const position = this.#position(state);
    if (brought > 0 || clock.monotonic() - startedAt >= SHORT_WATCH_MS) {
      return { name: 'Watching', resourceVersion: position, failures: 0 };
    }
    const failures = state.failures + 1;
    return this.#backOff(failures, { name: 'Watching', resourceVersion: position, failures });
  }

  /** So that the next watch resumes here, whatever ends this one. */
  #advance(resourceVersion: string): void {
    if (resourceVersion !== '') this.#state = { name: 'Watching', resourceVersion, failures: 0 };
  }

  #position(fallback: InformerState & { name: 'Watching' }): string {
    return this.#state.name === 'Watching' ? this.#state.resourceVersion : fallback.resourceVersion;
  }

  #afterError(state: InformerState, error: unknown): InformerState {
    const { logger, resource } = this.#options;
    if (state.name === 'Watching' && isExpired(error)) {
      logger.info('Watch history expired, listing again', { resource: resource.resource });
      return { name: 'Listing', failures: 0 };
    }
    const failures = state.name === 'BackingOff' ? 1 : state.failures + 1;
    // A server that does not know our position or the kind any more has nothing to resume from.
    const lost = isTooLargeResourceVersion(error) || isNotFound(error);
    const next: InformerState =
      state.name === 'Watching' && !lost ? { ...state, failures } : { name: 'Listing', failures };
    const waiting = this.#backOff(failures, next);
    logger.debug('Cannot follow a kind, trying again', {
      resource: resource.resource,
      group: resource.group,
      state: state.name,
      delayMs: waiting.delayMs,
      error,
    });
    return waiting;
  }

  #backOff(failures: number, next: InformerState): InformerState & { name: 'BackingOff' } {
    const delayMs = backoffMs(failures - 1, BACKOFF, this.#options.random());
    return { name: 'BackingOff', delayMs, next };
  }

  #notify(change: CacheChange<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        // A listener only files keys into queues; one that fails must not stop the others or the watch.
        this.#options.logger.error('Listener of an informer failed', {
          resource: this.#options.resource.resource,
          error,
        });
      }
    }
  }
}
