// The seed's SecretPersistenceProvider: any provider, with the kinds that hold secrets sealed on their way in and opened on their
// way out. What lies below sees envelopes only. Over a log provider the log verbs are wrapped too.
//
// The server itself seals in its store (Sealer is the store's transformer), above the manager: all instances then hold the same
// bytes, and a batch is encoded once. This one is for whoever speaks to a provider directly.
import { decodeBatch, encodeBatch } from '../encoding.ts';
import type { MachineId } from '../machine-id.ts';
import type {
  LogDump,
  LogPersistenceProvider,
  LogRecord,
  PersistedObject,
  PersistenceProvider,
  PersistenceProviderStatus,
  Verified,
} from '../provider.ts';
import type { Sealer } from './sealer.ts';

export class SecretPersistenceProvider<
  P extends PersistenceProvider = PersistenceProvider,
> implements PersistenceProvider {
  protected readonly inner: P;
  protected readonly sealer: Sealer;

  /** @param sealer its keyring must have a key that seals */
  constructor(inner: P, sealer: Sealer) {
    this.inner = inner;
    this.sealer = sealer;
  }

  /** Storage keys of the kinds that are sealed. */
  get sealedKinds(): ReadonlySet<string> {
    return this.sealer.kinds;
  }

  initialize(machineId: MachineId): Promise<void> {
    return this.inner.initialize(machineId);
  }

  instances(): readonly string[] {
    return this.inner.instances();
  }

  instanceStatus(instance: string): PersistenceProviderStatus {
    return this.inner.instanceStatus(instance);
  }

  putObject(instance: string, { kind, key, value }: PersistedObject): Promise<string> {
    // Whoever chooses the revision is further down: the envelope is bound to kind and key.
    const sealed = this.sealer.toStorage(kind, key, value, 0);
    return this.inner.putObject(instance, { kind, key, value: sealed });
  }

  deleteObject(instance: string, kind: string, key: string): Promise<void> {
    return this.inner.deleteObject(instance, kind, key);
  }

  /** @throws SecretsKeyError */
  async getObject(
    instance: string,
    kind: string,
    key: string,
  ): Promise<PersistedObject | undefined> {
    const object = await this.inner.getObject(instance, kind, key);
    return object === undefined ? undefined : (await this.#opened([object]))[0];
  }

  /** @throws SecretsKeyError */
  async getAllObjects(instance: string, kind: string): Promise<readonly PersistedObject[]> {
    return this.#opened(await this.inner.getAllObjects(instance, kind));
  }

  async #opened(objects: readonly PersistedObject[]): Promise<readonly PersistedObject[]> {
    await this.sealer.prepare(objects.map((object) => ({ ...object, revision: 0 })));
    return objects.map(({ kind, key, value }) => ({
      kind,
      key,
      value: this.sealer.fromStorage(kind, key, value, 0),
    }));
  }
}

export class SecretLogPersistenceProvider
  extends SecretPersistenceProvider<LogPersistenceProvider>
  implements LogPersistenceProvider
{
  claimEpoch(...args: Parameters<LogPersistenceProvider['claimEpoch']>) {
    return this.inner.claimEpoch(...args);
  }

  cursor(instance: string) {
    return this.inner.cursor(instance);
  }

  async append(instance: string, batch: ArrayBuffer): Promise<void> {
    const { epoch, records } = decodeBatch(batch);
    const sealed = encodeBatch({ epoch, records: records.map((record) => this.#sealed(record)) });
    // The caller's buffer is taken over, as the interface says.
    structuredClone(batch, { transfer: [batch] });
    return this.inner.append(instance, sealed);
  }

  replay(instance: string, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    return this.#opening(this.inner.replay(instance, signal));
  }

  readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]> {
    return this.#opening(this.inner.readFrom(instance, revision));
  }

  compact(instance: string, through: number): Promise<void> {
    return this.inner.compact(instance, through);
  }

  restore(instance: string, dump: LogDump): Promise<void> {
    return this.inner.restore(instance, { ...dump, records: this.#sealing(dump.records) });
  }

  setAside(instance: string, epoch: number | undefined): Promise<string> {
    return this.inner.setAside(instance, epoch);
  }

  /** Also opens every envelope. @throws SecretsKeyError */
  async verify(instance: string, signal: AbortSignal): Promise<Verified> {
    const { revision } = await this.inner.verify(instance, signal);
    let [count, bytes] = [0, 0];
    for await (const records of this.replay(instance, signal)) {
      count += records.length;
      for (const { value } of records) bytes += value?.byteLength ?? 0;
    }
    return { records: count, bytes, revision };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }

  async *#sealing(
    chunks: AsyncIterable<readonly LogRecord[]>,
  ): AsyncIterable<readonly LogRecord[]> {
    for await (const records of chunks) yield records.map((record) => this.#sealed(record));
  }

  #sealed(record: LogRecord): LogRecord {
    const { kind, key, revision, value } = record;
    if (value === undefined) return record;
    return { kind, key, revision, value: this.sealer.toStorage(kind, key, value, revision) };
  }

  async *#opening(
    chunks: AsyncIterable<readonly LogRecord[]>,
  ): AsyncIterable<readonly LogRecord[]> {
    for await (const records of chunks) {
      await this.sealer.prepare(records);
      yield records.map((record) => {
        const { kind, key, revision, value } = record;
        if (value === undefined) return record;
        return { kind, key, revision, value: this.sealer.fromStorage(kind, key, value, revision) };
      });
    }
  }
}
