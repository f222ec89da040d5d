// SQLite files as persistence instances, one worker thread each. The main thread hands over one buffer per batch and never
// touches the disk itself.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { decodeBatch, encodeBatch } from '../encoding.ts';
import { CorruptDataError, UnknownInstanceError } from '../errors.ts';
import type { MachineId } from '../machine-id.ts';
import type {
  Cursor,
  LogPersistenceProvider,
  LogRecord,
  PersistedObject,
  PersistenceProviderStatus,
} from '../provider.ts';
import { Connection } from './connection.ts';
import type { Result } from './protocol.ts';

export interface SqliteProviderOptions {
  /** One instance per file; relative paths count from the working directory. */
  readonly paths: readonly string[];
  readonly clock: Clock;
}

/** The name under which a provider of this kind serves a file. */
export function sqliteInstanceName(path: string): string {
  return `sqlite-${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 8)}`;
}

export class SqlitePersistenceProvider implements LogPersistenceProvider {
  readonly #connections: ReadonlyMap<string, Connection>;
  #machine: MachineId | undefined;

  constructor(options: SqliteProviderOptions) {
    this.#connections = new Map(
      options.paths.map((path) => {
        const name = sqliteInstanceName(path);
        return [name, new Connection(name, resolve(path), options.clock)];
      }),
    );
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

  async claimEpoch(instance: string): Promise<Cursor> {
    const machine = this.#machine ?? '';
    return cursorOf(await this.#connection(instance).request({ verb: 'claim', machine }));
  }

  async cursor(instance: string): Promise<Cursor> {
    return cursorOf(await this.#connection(instance).request({ verb: 'cursor' }));
  }

  async append(instance: string, batch: ArrayBuffer): Promise<void> {
    await this.#connection(instance).request({ verb: 'append', batch }, [batch]);
  }

  async *replay(instance: string, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    for await (const records of this.#read(instance, -1, false)) {
      signal.throwIfAborted();
      yield records;
    }
  }

  readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]> {
    return this.#read(instance, revision, true);
  }

  async compact(instance: string, through: number): Promise<void> {
    const connection = this.#connection(instance);
    // Slice by slice, so that batches commit in between.
    while ((await connection.request({ verb: 'compact', through })).done !== true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }

  async #write(instance: string, record: LogRecord): Promise<void> {
    const connection = this.#connection(instance);
    const batch = encodeBatch({ epoch: 0, records: [record] });
    await connection.request({ verb: 'write', batch }, [batch]);
  }

  async *#read(
    instance: string,
    revision: number,
    history: boolean,
  ): AsyncIterable<readonly LogRecord[]> {
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
      const { records } = decodeBatch(batch);
      next = ask(records.at(-1)?.revision ?? revision);
      yield records;
    }
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
