// Revisions and watches over one log of durable changes. A write gets its revision and its answer to "may it?" at once,
// but is seen by nobody before it is durable. Reads never wait: the whole state is in memory.
import { INTERNAL_KINDS } from '#persistence/log.ts';
import type { PersistenceLog } from '#persistence/log.ts';
import type { Cursor } from '#persistence/provider.ts';
import type { Clock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { KubernetesObject } from '../api/object.ts';
import { expired } from '../api/errors.ts';
import { ceilingRecord, isLost, lossesAfterStart, noCeiling } from './ceiling.ts';
import type { Ceiling } from './ceiling.ts';
import { startCompaction } from './compaction.ts';
import { StorageUnavailableError } from './errors.ts';
import { GroupCommit } from './group-commit.ts';
import type { Write } from './write.ts';
import { defaultHistory } from './history.ts';
import type { HistoryOptions } from './history.ts';
import { sortKey, storageKey } from './keys.ts';
import { listObjects } from './listing.ts';
import { loadObjects } from './load.ts';
import type { Loaded } from './load.ts';
import { refusalOf, refuseAfter, writeId } from './refusal.ts';
import { ResourceState } from './resource-state.ts';
import { RevisionWaiters } from './revision-waiters.ts';
import { storageMetrics } from './storage-metrics.ts';
import { encodeObject, IndexedObject } from './stored-object.ts';
import type { SelectableFields } from './stored-object.ts';
import { plainTransformer } from './transformer.ts';
import type { Transformer } from './transformer.ts';
import type {
  ListOptions,
  ListResult,
  Revision,
  Store,
  StoredObject,
  StoreEvent,
  Subscription,
  WatchSink,
  WriteOptions,
} from './types.ts';

/** Revisions that relaxed writes may be ahead of a durable ceiling: a crash skips at most so many. */
const RESERVED = 20_000;
/** Stands for what the log does of its own, in the order of writes. */
const SEQUENCED = `${INTERNAL_KINDS}sequenced`;

export interface OpenStoreOptions {
  /** Not opened; the caller disposes it after the store. */
  readonly log: PersistenceLog;
  readonly clock: Clock;
  /** Plain bytes by default. */
  readonly transformer?: Transformer;
  readonly metrics?: MetricsRegistry;
  readonly historyOptions?: Partial<HistoryOptions>;
  /** Storage keys of resources whose writes are acknowledged before they are durable. None by default. */
  readonly relaxed?: readonly string[];
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /** Called once when the storage is lost for good (I/O error, epoch lost): the process should end. */
  readonly onFailure?: (error: Error) => void;
}

/**
 * Opens the log and loads its objects.
 *
 * @throws what keeps the log from being opened or read: InstanceLockedError, ForeignDataError, CorruptDataError,
 *   StorageFullError, StorageFailedError, and what the transformer throws when it cannot decrypt
 */
export async function openStore(options: OpenStoreOptions): Promise<Store & AsyncDisposable> {
  return await DurableStore.open(options);
}

class DurableStore implements Store, AsyncDisposable {
  readonly #options: OpenStoreOptions;
  readonly #history: HistoryOptions;
  readonly #transformer: Transformer;
  readonly #resources = new Map<string, ResourceState>();
  readonly #waiters = new RevisionWaiters();
  readonly #commit: GroupCommit;
  readonly #stopCompaction: () => void;
  readonly #stopListening: () => void;
  /** Where history begins for resources that nothing was loaded of. */
  #floor: Revision;
  /** Pages of lists before this are given up, as clients expect in some minutes, though history of what nobody changed would reach. */
  #pagesFrom: Revision = 0;
  #visible: Revision;
  #assigned: Revision;
  /** What is in the newest ceiling record, durable or on its way. */
  #ceiling: Ceiling = noCeiling;
  readonly #relaxed: ReadonlySet<string>;

  private constructor(options: OpenStoreOptions, cursor: Cursor) {
    this.#options = options;
    this.#history = { ...defaultHistory, ...options.historyOptions };
    this.#transformer = options.transformer ?? plainTransformer;
    this.#relaxed = new Set(options.relaxed);
    this.#floor = cursor.compacted;
    this.#visible = cursor.revision;
    this.#assigned = cursor.revision;
    this.#commit = new GroupCommit({
      epoch: () => options.log.epoch,
      append: (batch) => options.log.append(batch),
      publish: (writes) => this.#publish(writes),
      failed: (error) => options.onFailure?.(error),
      measured: storageMetrics({
        registry: options.metrics ?? new MetricsRegistry(),
        log: options.log,
        counts: () => [...this.#resources].map(([name, { table }]) => [name, table.size] as const),
      }),
      monotonic: () => options.clock.monotonic(),
      schedule: (delayMs, callback) => options.clock.schedule(delayMs, callback),
    });
    this.#stopListening = options.log.watchWrites((now) => {
      if (now.state === 'Lost') this.#commit.lose(now.reason);
      else this.#commit.block(now.state === 'Blocked' ? now.reason : undefined);
    });
    options.log.sequenceWith((count, work) => this.#sequence(count, work));
    this.#stopCompaction = startCompaction({
      clock: options.clock,
      keepMs: this.#history.maximumAgeMs,
      revision: () => this.#visible,
      compact: (through) => {
        this.#pagesFrom = through;
        return options.log.compact(through);
      },
      trim: (now) => {
        for (const { history } of this.#resources.values()) history.trim(now);
      },
    });
  }

  static async open(options: OpenStoreOptions): Promise<DurableStore> {
    const { log, signal = new AbortController().signal } = options;
    const cursor = await log.open(signal);
    const store = new DurableStore(options, cursor);
    try {
      const loaded = await loadObjects({
        log,
        cursor,
        transformer: store.#transformer,
        signal,
        now: options.clock.now(),
        resource: (kind) => store.#resource(kind),
      });
      store.#beginAbove(loaded);
    } catch (error) {
      store.#stopCompaction();
      throw error;
    }
    return store;
  }

  get revision(): Revision {
    return this.#visible;
  }

  register(resource: string, selectableFields: SelectableFields): void {
    this.#resource(resource).table.index.selectable = selectableFields;
  }

  get(resource: string, namespace: string, name: string): StoredObject | undefined {
    return this.#resources.get(resource)?.table.get(sortKey(namespace, name));
  }

  list(resource: string, options: ListOptions): ListResult {
    const { table, history } = this.#resource(resource);
    const exact = options.exactRevision ?? this.#visible;
    this.#refuseLost(resource, options.exactRevision ?? 0);
    if (exact < this.#pagesFrom)
      throw expired(`too old resource version: ${exact} (${this.#pagesFrom})`);
    return listObjects(table, options, this.#visible, (revision) => history.since(revision));
  }

  count(resource: string): number {
    return this.#resources.get(resource)?.table.size ?? 0;
  }

  put(options: WriteOptions, object: KubernetesObject): Promise<StoredObject> {
    return this.#write(options, object, false);
  }

  delete(options: WriteOptions, object: KubernetesObject): Promise<StoredObject> {
    return this.#write(options, object, true);
  }

  async settled(resource: string, namespace: string, name: string): Promise<void> {
    const id = writeId(resource, sortKey(namespace, name));
    for (;;) {
      const write = this.#commit.newest(id);
      if (write === undefined) return;
      await write.settled;
    }
  }

  drained(): Promise<void> {
    return this.#commit.drained();
  }

  watch(resource: string, since: Revision, sink: WatchSink): Subscription {
    const { history, watchers } = this.#resource(resource);
    this.#refuseLost(resource, since);
    return watchers.add(history.since(since), since, sink);
  }

  reached(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(revision, this.#visible, signal);
  }

  /** Refuses further writes, waits for those in flight, tells watchers that no more will come. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopCompaction();
    // Nothing is lost by a stop in peace: the next start need not begin further up.
    if (this.#ceiling.ceiling > 0 && this.#commit.failure === undefined) this.#writeCeiling(0);
    await this.#commit.close(new StorageUnavailableError('Cannot write: the store is closed'));
    // Not before: that an instance hangs ends the wait for what is in flight.
    this.#stopListening();
    for (const { watchers } of this.#resources.values()) watchers.close();
  }

  #resource(resource: string): ResourceState {
    let state = this.#resources.get(resource);
    if (state === undefined) {
      state = new ResourceState(resource, this.#history, this.#floor);
      state.table.beginLoad();
      this.#resources.set(resource, state);
    }
    return state;
  }

  /** Everything up to the queue happens before this returns: that is what makes the check and the revision one step. */
  #write(
    options: WriteOptions,
    object: KubernetesObject,
    isDeletion: boolean,
  ): Promise<StoredObject> {
    try {
      const { failure } = this.#commit;
      if (failure !== undefined) throw failure;
      const state = this.#resource(options.resource);
      const key = sortKey(options.namespace, options.name);
      const id = writeId(options.resource, key);
      const base = this.#commit.newest(id);
      const visible = state.table.get(key)?.revision;
      const found = base === undefined ? visible : base.standing;
      const refusal = refusalOf(options, found, isDeletion);
      if (refusal !== undefined) {
        const restsOnBase = base !== undefined && !refusalOf(options, visible, isDeletion);
        return restsOnBase ? refuseAfter(base, refusal) : Promise.reject(refusal);
      }
      return this.#submit(options, object, {
        state,
        key,
        id,
        base,
        isDeletion,
        isCreation: found === undefined,
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #submit(
    options: WriteOptions,
    object: KubernetesObject,
    place: {
      readonly state: ResourceState;
      readonly key: string;
      readonly id: string;
      readonly base: Write | undefined;
      readonly isDeletion: boolean;
      readonly isCreation: boolean;
    },
  ): Promise<StoredObject> {
    const { resource, namespace, name } = options;
    const { state, isDeletion, ...rest } = place;
    const isRelaxed = this.#relaxed.has(resource);
    if (isRelaxed && this.#assigned + RESERVED / 2 > this.#ceiling.ceiling)
      this.#writeCeiling(this.#assigned + RESERVED);
    const revision = this.#assigned + 1;
    object.metadata.resourceVersion = String(revision);
    const bytes = encodeObject(object);
    const where = storageKey(namespace, name);
    const value = isDeletion
      ? undefined
      : this.#transformer.toStorage(resource, where, bytes, revision);
    const stored = new IndexedObject(
      { namespace, name, revision },
      bytes,
      state.table.index,
      object,
    );
    // Nothing may throw from here on: the revision is taken.
    this.#assigned = revision;
    const { promise, resolve, reject } = Promise.withResolvers<StoredObject>();
    const decided = Promise.withResolvers<Error | undefined>();
    this.#commit.submit({
      ...rest,
      isDeletion,
      isRelaxed,
      resource,
      object: stored,
      standing: isDeletion ? undefined : revision,
      record: { revision, kind: resource, key: where, ...(value === undefined ? {} : { value }) },
      settled: decided.promise,
      settle: (error) => {
        decided.resolve(error);
        if (error === undefined) resolve(stored);
        else reject(error);
      },
      giveUp: reject,
    });
    return promise;
  }

  /** After a crash: above all revisions that somebody may have seen. */
  #beginAbove({ newest, ceiling }: Loaded): void {
    this.#ceiling = { ceiling: 0, kinds: [], losses: lossesAfterStart(ceiling, newest) };
    if (ceiling.ceiling <= newest) return;
    this.#assigned = Math.max(this.#assigned, ceiling.ceiling);
    this.#visible = this.#assigned;
    // First in the log's order: whatever is written later, the loss stays known.
    this.#writeCeiling(0);
  }

  /** Goes the way of all writes, so that what is durable after it has it below. */
  #writeCeiling(ceiling: Revision): void {
    const revision = (this.#assigned += 1);
    const before = this.#ceiling;
    const written = { ...before, ceiling, kinds: [...this.#relaxed] };
    this.#ceiling = written;
    this.#submitOwn({ record: ceilingRecord(revision, written) }, (error) => {
      if (error === undefined) this.#commit.raiseCeiling(ceiling);
      else if (this.#ceiling === written) this.#ceiling = before;
    });
  }

  /** The log does something of its own between two batches, with revisions of its own. */
  #sequence(count: number, work: (first: Revision) => Promise<void>): Promise<void> {
    const { failure } = this.#commit;
    if (failure !== undefined) return Promise.reject(failure);
    const first = this.#assigned + 1;
    this.#assigned += count;
    const record = { revision: this.#assigned, kind: SEQUENCED, key: String(first) };
    return new Promise((resolve, reject) => {
      this.#submitOwn({ record, work: () => work(first) }, (error) =>
        error === undefined ? resolve() : reject(error),
      );
    });
  }

  /** What is no object: it has its place in the order and is seen by nobody. */
  #submitOwn(
    { record, ...rest }: Pick<Write, 'record' | 'work'>,
    settle: (error: Error | undefined) => void,
  ): void {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.#commit.submit({
      ...rest,
      record,
      id: writeId(record.kind, record.key),
      resource: record.kind,
      key: record.key,
      isDeletion: false,
      isCreation: false,
      isRelaxed: false,
      object: undefined,
      base: undefined,
      standing: record.revision,
      settled: promise,
      giveUp: () => undefined,
      settle: (error) => {
        settle(error);
        resolve(error);
      },
    });
  }

  /** @throws ApiError Expired for whoever may have seen what a crash took */
  #refuseLost(resource: string, revision: Revision): void {
    if (!isLost(this.#ceiling.losses, resource, revision)) return;
    throw expired(`resource version ${revision} may be of before a crash: list again`);
  }

  #publish(writes: readonly Write[]): void {
    const now = this.#options.clock.now();
    const batches = new Map<ResourceState, StoreEvent[]>();
    for (const { resource, key, object, isDeletion, record } of writes) {
      this.#visible = record.revision;
      if (object === undefined) continue;
      const state = this.#resource(resource);
      const event = state.apply(key, object, isDeletion, now);
      const events = batches.get(state);
      if (events === undefined) batches.set(state, [event]);
      else events.push(event);
    }
    for (const [state, events] of batches) state.watchers.publish(events);
    this.#waiters.reached(this.#visible);
  }
}
