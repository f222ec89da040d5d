// A provider of the seven verbs as a replica of the log: each change is put or deleted in its order, and how far that got lies beside
// the objects, under a kind of ours. It knows no history: it follows, and is never what a start reads from.
import { decodeBatch } from '../encoding.ts';
import {
  CompactedError,
  CorruptDataError,
  EpochLostError,
  StorageFailedError,
  StorageUnreachableError,
} from '../errors.ts';
import type { MachineId } from '../machine-id.ts';
import type {
  Cursor,
  LogDump,
  LogPersistenceProvider,
  LogRecord,
  PersistedObject,
  PersistenceProvider,
  PersistenceProviderStatus,
  Verified,
} from '../provider.ts';

const STATE_KIND = 'windlass/cursor';
const STATE_KEY = 'state';

interface ReplicaState extends Cursor {
  /** All that objects have been put under. */
  readonly kinds: readonly string[];
  /** Some changes after the revision may have been applied. */
  readonly isHalfDone: boolean;
}

const EMPTY: ReplicaState = { epoch: 0, revision: 0, compacted: 0, kinds: [], isHalfDone: false };

export class ObjectReplica implements LogPersistenceProvider {
  readonly #inner: PersistenceProvider & Partial<AsyncDisposable>;
  #isInitialized = false;

  constructor(inner: PersistenceProvider & Partial<AsyncDisposable>) {
    this.#inner = inner;
  }

  async initialize(machineId: MachineId): Promise<void> {
    await this.#inner.initialize(machineId);
    this.#isInitialized = true;
  }

  instances(): readonly string[] {
    return this.#inner.instances();
  }

  instanceStatus(instance: string): PersistenceProviderStatus {
    const found = this.#inner.instanceStatus(instance);
    return { ...found, status: this.#isInitialized && found.status };
  }

  putObject(instance: string, object: PersistedObject): Promise<string> {
    return this.#inner.putObject(instance, object);
  }

  deleteObject(instance: string, kind: string, key: string): Promise<void> {
    return this.#inner.deleteObject(instance, kind, key);
  }

  getObject(instance: string, kind: string, key: string): Promise<PersistedObject | undefined> {
    return this.#inner.getObject(instance, kind, key);
  }

  getAllObjects(instance: string, kind: string): Promise<readonly PersistedObject[]> {
    return this.#inner.getAllObjects(instance, kind);
  }

  /** After a batch that was cut short it begins at revision 0: whoever claims may go on without what that batch held. */
  async claimEpoch(instance: string, atLeast = 0): Promise<Cursor> {
    const found = await this.#state(instance);
    const state = found.isHalfDone ? { ...EMPTY, epoch: found.epoch, kinds: found.kinds } : found;
    const claimed = { ...state, epoch: Math.max(state.epoch + 1, atLeast) };
    await this.#keep(instance, claimed);
    return cursorOf(claimed);
  }

  async cursor(instance: string): Promise<Cursor> {
    return cursorOf(await this.#state(instance));
  }

  /** Not all or nothing: what a crash leaves half done is done again, from where the state says. */
  async append(instance: string, batch: ArrayBuffer): Promise<void> {
    // Taken over, as the interface says.
    const { epoch, records } = decodeBatch(structuredClone(batch, { transfer: [batch] }));
    const state = await this.#state(instance);
    if (state.epoch !== epoch) throw new EpochLostError(instance, epoch, state.epoch);
    const kinds = [...new Set([...state.kinds, ...records.map(({ kind }) => kind)])];
    // Before the first object of a kind, so that none is ever forgotten.
    await this.#keep(instance, { ...state, kinds, isHalfDone: true });
    for (const record of records) await this.#apply(instance, record);
    const revision = records.at(-1)?.revision ?? state.revision;
    await this.#keep(instance, { ...EMPTY, epoch, revision, compacted: revision, kinds });
  }

  async *replay(instance: string): AsyncIterable<readonly LogRecord[]> {
    yield await Promise.reject(noHistory(instance));
  }

  async *readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]> {
    const { compacted } = await this.#state(instance);
    if (revision < compacted) throw new CompactedError(revision, compacted);
    yield [];
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  /** Begins at revision 0: after a crash in the middle the whole is copied again. */
  async restore(instance: string, dump: LogDump): Promise<void> {
    const state = await this.#state(instance);
    if (state.epoch !== dump.epoch) throw new EpochLostError(instance, dump.epoch, state.epoch);
    const kinds = new Set(state.kinds);
    const live = new Set<string>();
    await this.#keep(instance, { ...EMPTY, epoch: state.epoch, kinds: [...kinds] });
    for await (const records of dump.records) {
      const size = kinds.size;
      for (const { kind } of records) kinds.add(kind);
      if (kinds.size > size)
        await this.#keep(instance, { ...EMPTY, epoch: state.epoch, kinds: [...kinds] });
      for (const record of records) {
        await this.#apply(instance, record);
        if (record.value === undefined) live.delete(idOf(record));
        else live.add(idOf(record));
      }
    }
    // In the end, so that what stays is never away; also what a provider kept that had lost how far it was.
    for (const kind of kinds) await this.#removeAll(instance, kind, live);
    const { epoch, revision } = dump;
    const compacted = revision;
    await this.#keep(instance, { ...EMPTY, epoch, revision, compacted, kinds: [...kinds] });
  }

  /** Copies everything to kinds of another name. */
  async setAside(instance: string, epoch: number | undefined): Promise<string> {
    const state = await this.#state(instance);
    if (epoch !== undefined && epoch !== state.epoch)
      throw new EpochLostError(instance, epoch, state.epoch);
    const place = `windlass/aside-${state.epoch}-${state.revision}`;
    for (const kind of state.kinds) {
      for (const object of await this.#inner.getAllObjects(instance, kind))
        await this.#inner.putObject(instance, { ...object, kind: `${place}/${kind}` });
    }
    for (const kind of state.kinds) await this.#removeAll(instance, kind);
    await this.#keep(instance, { ...EMPTY, epoch: state.epoch });
    return `kinds below ${place}`;
  }

  /** Counts; what it holds cannot be checked from here. */
  async verify(instance: string, signal: AbortSignal): Promise<Verified> {
    const { kinds, revision } = await this.#state(instance);
    let [records, bytes] = [0, 0];
    for (const kind of kinds) {
      signal.throwIfAborted();
      const objects = await this.#inner.getAllObjects(instance, kind);
      records += objects.length;
      for (const { value } of objects) bytes += value.byteLength;
    }
    return { records, bytes, revision };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]?.();
  }

  async #apply(instance: string, { kind, key, value }: LogRecord): Promise<void> {
    if (value === undefined) await this.#inner.deleteObject(instance, kind, key);
    else await this.#inner.putObject(instance, { kind, key, value });
  }

  async #removeAll(instance: string, kind: string, but?: ReadonlySet<string>): Promise<void> {
    for (const { key } of await this.#inner.getAllObjects(instance, kind))
      if (but?.has(idOf({ kind, key })) !== true)
        await this.#inner.deleteObject(instance, kind, key);
  }

  /** @throws StorageUnreachableError for what the provider itself calls gone or down: nothing is asked of it then */
  async #state(instance: string): Promise<ReplicaState> {
    const { exists, status } = this.#inner.instanceStatus(instance);
    if (!exists || !status) {
      throw new StorageUnreachableError(
        `Cannot use ${instance}: its provider says that it ${exists ? 'is down' : 'does not exist'}`,
      );
    }
    const found = await this.#inner.getObject(instance, STATE_KIND, STATE_KEY);
    if (found === undefined) return EMPTY;
    const state = parsed(found.value);
    if (isState(state)) return state;
    throw new CorruptDataError(
      `Cannot use ${instance}: its object ${STATE_KIND} ${STATE_KEY} is not what was written there, so that nobody knows how far it is; empty the place, and it is filled anew`,
    );
  }

  async #keep(instance: string, state: ReplicaState): Promise<void> {
    const value = Buffer.from(JSON.stringify(state));
    await this.#inner.putObject(instance, { kind: STATE_KIND, key: STATE_KEY, value });
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is ReplicaState {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, revision, compacted, kinds, isHalfDone } = value as Readonly<
    Record<string, unknown>
  >;
  return (
    [epoch, revision, compacted].every(Number.isSafeInteger) &&
    typeof isHalfDone === 'boolean' &&
    Array.isArray(kinds) &&
    kinds.every((kind) => typeof kind === 'string')
  );
}

function idOf({ kind, key }: { readonly kind: string; readonly key: string }): string {
  return `${kind}\0${key}`;
}

function cursorOf({ epoch, revision, compacted }: ReplicaState): Cursor {
  return { epoch, revision, compacted };
}

function noHistory(instance: string): StorageFailedError {
  return new StorageFailedError(
    `Cannot read the log from ${instance}: its provider keeps objects only, without their order; start from another instance`,
  );
}
