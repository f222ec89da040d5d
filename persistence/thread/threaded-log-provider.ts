// A provider whose instances are served by worker threads, one each, that speak protocol.ts. The main thread hands over one
// buffer per batch and touches neither disk nor network itself.
import type { Clock } from '#platform/clock.ts';
import { decodeBatch, encodeBatch, revisionsOf } from '../encoding.ts';
import { CorruptDataError, UnknownInstanceError } from '../errors.ts';
import type { MachineId } from '../machine-id.ts';
import type {
  Cursor,
  Holders,
  LogDump,
  LogPersistenceProvider,
  LogRecord,
  PersistedObject,
  PersistenceProviderStatus,
  Verified,
} from '../provider.ts';
import { Connection } from './connection.ts';
import type { ThreadedInstance } from './connection.ts';
import type { Result } from './protocol.ts';

export interface ThreadedProviderOptions {
  readonly instances: readonly ThreadedInstance[];
  readonly clock: Clock;
  /** True when the threads answer readHolder and writeHolder. */
  readonly hasHolders?: boolean;
}

export class ThreadedLogProvider implements LogPersistenceProvider {
  readonly holders?: Holders;
  readonly #connections: ReadonlyMap<string, Connection>;
  #machine: MachineId | undefined;

  constructor({ instances, clock, hasHolders }: ThreadedProviderOptions) {
    this.#connections = new Map(
      instances.map((instance) => [instance.name, new Connection(instance, clock)]),
    );
    if (hasHolders === true) this.holders = this.#makeHolders();
  }

  async initialize(machineId: MachineId): Promise<void> {
    this.#machine = machineId;
    await Promise.all([...this.#connections.values()].map((connection) => connection.open()));
  }

  instances(): readonly string[] {
    return [...this.#connections.keys()];
  }

  instanceStatus(instance: string): PersistenceProviderStatus {
    return (
      this.#connections.get(instance)?.status ?? {
        exists: false,
        status: false,
        meanPersistLatency: 0,
      }
    );
  }

  async putObject(instance: string, { kind, key, value }: PersistedObject): Promise<string> {
    await this.#write(instance, { revision: 1, kind, key, value });
    return key;
  }

  async deleteObject(instance: string, kind: string, key: string): Promise<void> {
    await this.#write(instance, { revision: 1, kind, key });
  }

  async getObject(
    instance: string,
    kind: string,
    key: string,
  ): Promise<PersistedObject | undefined> {
    const result = await this.#connection(instance).request({ verb: 'get', kind, key });
    return objectsOf(result)[0];
  }

  async getAllObjects(instance: string, kind: string): Promise<readonly PersistedObject[]> {
    return objectsOf(await this.#connection(instance).request({ verb: 'getAll', kind }));
  }

  async claimEpoch(instance: string, atLeast = 0): Promise<Cursor> {
    const machine = this.#machine ?? '';
    return cursorOf(await this.#connection(instance).request({ verb: 'claim', machine, atLeast }));
  }

  async cursor(instance: string): Promise<Cursor> {
    return cursorOf(await this.#connection(instance).request({ verb: 'cursor' }));
  }

  async append(instance: string, batch: ArrayBuffer): Promise<void> {
    await this.#connection(instance).request({ verb: 'append', batch }, [batch]);
  }

  async appendAndReturn(instance: string, batch: ArrayBuffer): Promise<ArrayBuffer> {
    const command = { verb: 'append', batch, returns: true } as const;
    const answer = await this.#connection(instance).request(command, [batch]);
    if (answer.batch === undefined) throw new TypeError('A batch was kept and not returned');
    return answer.batch;
  }

  async *replay(instance: string, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    for await (const batch of this.#read(instance, -1, false)) {
      signal.throwIfAborted();
      yield decodeBatch(batch).records;
    }
  }

  async *readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]> {
    for await (const batch of this.#read(instance, revision, true))
      yield decodeBatch(batch).records;
  }

  batchesFrom(instance: string, revision: number): AsyncIterable<ArrayBuffer> {
    return this.#read(instance, revision, true);
  }

  async compact(instance: string, through: number): Promise<void> {
    const connection = this.#connection(instance);
    // Slice by slice, so that batches commit in between.
    while ((await connection.request({ verb: 'compact', through })).done !== true);
  }

  async restore(instance: string, dump: LogDump): Promise<void> {
    const connection = this.#connection(instance);
    const { epoch, revision, compacted } = dump;
    await connection.request({ verb: 'restoreBegin', cursor: { epoch, revision, compacted } });
    try {
      for await (const records of dump.records) {
        if (records.length === 0) continue;
        const batch = encodeBatch({ epoch, records });
        await connection.request({ verb: 'restorePart', batch }, [batch]);
      }
      await connection.request({ verb: 'restoreEnd' });
    } catch (error) {
      // It may be down or closed by now, and then forgets the half by itself.
      await connection.request({ verb: 'restoreAbort' }).catch(() => undefined);
      throw error;
    }
  }

  async setAside(instance: string, epoch: number | undefined): Promise<string> {
    return (await this.#connection(instance).setAside(epoch)).text ?? '';
  }

  async verify(instance: string, signal: AbortSignal): Promise<Verified> {
    const connection = this.#connection(instance);
    let records = 0;
    let bytes = 0;
    let from: string | undefined;
    do {
      signal.throwIfAborted();
      const { slice } = await connection.request({ verb: 'verify', from });
      records += slice?.records ?? 0;
      bytes += slice?.bytes ?? 0;
      from = slice?.next;
    } while (from !== undefined);
    const { revision } = await this.cursor(instance);
    return { records, bytes, revision };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }

  async #write(instance: string, record: LogRecord): Promise<void> {
    const connection = this.#connection(instance);
    const batch = encodeBatch({ epoch: 0, records: [record] });
    await connection.request({ verb: 'write', batch }, [batch]);
  }

  async *#read(instance: string, revision: number, history: boolean): AsyncIterable<ArrayBuffer> {
    const connection = this.#connection(instance);
    const ask = (after: number): Promise<Result> => {
      const answer = connection.request({ verb: 'read', after, history });
      // Asked for ahead: whoever stops reading early never looks at it.
      answer.catch(() => undefined);
      return answer;
    };
    let next = ask(revision);
    for (;;) {
      const { batch } = await next;
      if (batch === undefined) return;
      const { last } = revisionsOf(batch);
      // Who follows a log that is being written decides when to ask: each page keeps writers waiting.
      if (history) {
        yield batch;
        next = ask(last);
      } else {
        next = ask(last);
        yield batch;
      }
    }
  }

  #makeHolders(): Holders {
    return {
      read: async (instance) => {
        const { text } = await this.#connection(instance).request({ verb: 'readHolder' });
        return text === undefined ? undefined : { text };
      },
      write: async (instance, text) => {
        await this.#connection(instance).request({ verb: 'writeHolder', text });
      },
    };
  }

  #connection(instance: string): Connection {
    const connection = this.#connections.get(instance);
    if (connection === undefined) throw new UnknownInstanceError(instance, this.instances());
    return connection;
  }
}

function objectsOf(result: Result): PersistedObject[] {
  if (result.batch === undefined) return [];
  return decodeBatch(result.batch).records.flatMap(({ kind, key, value }) =>
    value === undefined ? [] : [{ kind, key, value }],
  );
}

function cursorOf(result: Result): Cursor {
  if (result.cursor === undefined) throw new CorruptDataError('Cannot read the cursor: none came');
  return result.cursor;
}
