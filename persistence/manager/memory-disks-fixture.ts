// For tests of the manager: disks in memory that outlive the processes using them, and fail as told. A process can die at any step,
// before or after what it asked for was done.
import { decodeBatch } from '../encoding.ts';
import {
  CompactedError,
  CorruptDataError,
  EpochLostError,
  StorageFailedError,
  StorageUnreachableError,
  UnknownInstanceError,
} from '../errors.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import type {
  Cursor,
  LogDump,
  LogPersistenceProvider,
  LogRecord,
  PersistedObject,
  PersistenceProviderStatus,
  Verified,
} from '../provider.ts';
import type { Clock } from '#platform/clock.ts';
import { MemoryClaimBook } from './claim-book.ts';
import type { ManagedInstance } from './instance.ts';
import { PersistenceManager } from './manager.ts';
import type { ManagerOptions } from './manager.ts';

export const machineA = parseMachineId('a'.repeat(32)) as MachineId;

/** One disk: what is durable on it, and how it is at the moment. */
export class MemoryDisk {
  readonly name: string;
  epoch = 0;
  revision = 0;
  compacted = 0;
  records: readonly LogRecord[] = [];
  /** What setAside() has put away. */
  readonly aside: (readonly LogRecord[])[] = [];
  /** Does not answer: every verb fails, nothing is kept. */
  isDown = false;
  /** Does not answer: no verb ever ends. */
  isHung = false;
  isDamaged = false;
  /** Each verb waits for it first. */
  pause: Promise<void> = Promise.resolve();
  /** What the next appends fail with, nothing kept. */
  failures: Error[] = [];
  appends = 0;

  constructor(name: string) {
    this.name = name;
  }

  keys(): readonly string[] {
    return this.records.map(({ key }) => key);
  }

  wipe(): void {
    this.set({ epoch: 0, revision: 0, compacted: 0, records: [] });
  }

  copy(): DiskCopy {
    const { epoch, revision, compacted, records } = this;
    return { epoch, revision, compacted, records };
  }

  set({ epoch, revision, compacted, records }: DiskCopy): void {
    this.epoch = epoch;
    this.revision = revision;
    this.compacted = compacted;
    this.records = records;
    this.isDamaged = false;
  }
}

export interface DiskCopy {
  readonly epoch: number;
  readonly revision: number;
  readonly compacted: number;
  readonly records: readonly LogRecord[];
}

/** What runs until it is killed: nothing of a dead process does anything, or hears anything. */
export class FakeProcess {
  isAlive = true;
  /** Names of disks that it does not reach, while others do. */
  readonly cutOff = new Set<string>();
  /** Resolves at its death. */
  readonly death: Promise<void>;
  readonly #die: () => void;
  /** Steps until it dies. */
  stepsLeft = Number.POSITIVE_INFINITY;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.death = promise;
    this.#die = resolve;
  }

  kill(): void {
    this.isAlive = false;
    this.#die();
  }

  /** Each verb has one before it acts, and one after. */
  async step(): Promise<void> {
    await Promise.resolve();
    this.stepsLeft -= 1;
    if (this.stepsLeft <= 0) this.kill();
    if (!this.isAlive) await new Promise(() => undefined);
  }
}

export class MemoryProvider implements LogPersistenceProvider {
  readonly #disks: ReadonlyMap<string, MemoryDisk>;
  readonly #process: FakeProcess;

  constructor(disks: readonly MemoryDisk[], process = new FakeProcess()) {
    this.#disks = new Map(disks.map((disk) => [disk.name, disk]));
    this.#process = process;
  }

  initialize(): Promise<void> {
    return Promise.resolve();
  }

  instances(): readonly string[] {
    return [...this.#disks.keys()];
  }

  instanceStatus(instance: string): PersistenceProviderStatus {
    const disk = this.#disks.get(instance);
    const isReached = disk !== undefined && !disk.isDown && !this.#process.cutOff.has(instance);
    const status = isReached && !disk.isDamaged;
    return { exists: disk !== undefined, status, meanPersistLatency: 0.5 };
  }

  claimEpoch(instance: string, atLeast = 0): Promise<Cursor> {
    return this.#on(instance, (disk) => {
      disk.epoch = Math.max(disk.epoch + 1, atLeast);
      return cursorOf(disk);
    });
  }

  cursor(instance: string): Promise<Cursor> {
    return this.#on(instance, cursorOf);
  }

  append(instance: string, batch: ArrayBuffer): Promise<void> {
    // As the real ones: whoever gives a batch away cannot use it any more.
    const taken = structuredClone(batch, { transfer: [batch] });
    return this.#on(instance, (disk) => {
      disk.appends += 1;
      const failure = disk.failures.shift();
      if (failure !== undefined) throw failure;
      const { epoch, records } = decodeBatch(taken);
      if (epoch !== disk.epoch) throw new EpochLostError(instance, epoch, disk.epoch);
      if ((records[0]?.revision ?? 0) <= disk.revision)
        throw new CorruptDataError(`${instance} is past that`);
      disk.records = [...disk.records, ...records];
      disk.revision = records.at(-1)?.revision ?? 0;
    });
  }

  async *replay(instance: string, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    yield* this.#pages(instance, -1, signal);
  }

  async *readFrom(instance: string, revision: number): AsyncIterable<readonly LogRecord[]> {
    const { compacted } = await this.cursor(instance);
    if (revision < compacted) throw new CompactedError(revision, compacted);
    yield* this.#pages(instance, revision);
  }

  compact(instance: string, through: number): Promise<void> {
    return this.#on(instance, (disk) => {
      const target = Math.min(through, disk.revision);
      const newest = new Map<string, LogRecord>();
      for (const record of disk.records)
        if (record.revision <= target) newest.set(`${record.kind} ${record.key}`, record);
      disk.records = disk.records.filter(
        (record) =>
          record.revision > target ||
          (newest.get(`${record.kind} ${record.key}`) === record && record.value !== undefined),
      );
      disk.compacted = Math.max(disk.compacted, target);
    });
  }

  async restore(instance: string, dump: LogDump): Promise<void> {
    const records: LogRecord[] = [];
    for await (const page of dump.records) records.push(...page);
    await this.#on(instance, (disk) => {
      if (dump.epoch !== disk.epoch) throw new EpochLostError(instance, dump.epoch, disk.epoch);
      const { epoch, revision, compacted } = dump;
      disk.set({ epoch, revision, compacted, records });
    });
  }

  setAside(instance: string, held: number | undefined): Promise<string> {
    return this.#on(
      instance,
      (disk) => {
        const { epoch, records } = disk;
        if (held !== undefined && held !== epoch) throw new EpochLostError(instance, held, epoch);
        disk.aside.push(records);
        disk.set({ epoch, revision: 0, compacted: 0, records: [] });
        return `memory:${instance}/aside`;
      },
      true,
    );
  }

  verify(instance: string): Promise<Verified> {
    return this.#on(instance, ({ records, revision }) => ({
      records: records.length,
      bytes: 0,
      revision,
    }));
  }

  putObject(): Promise<string> {
    return Promise.reject(new Error('The manager has no use for this verb'));
  }

  deleteObject(): Promise<void> {
    return Promise.reject(new Error('The manager has no use for this verb'));
  }

  getObject(): Promise<undefined> {
    return Promise.reject(new Error('The manager has no use for this verb'));
  }

  getAllObjects(instance: string, kind: string): Promise<readonly PersistedObject[]> {
    return this.#on(instance, ({ records }) => {
      const found = new Map<string, PersistedObject>();
      for (const { value, ...named } of records) {
        if (named.kind !== kind) continue;
        if (value === undefined) found.delete(named.key);
        else found.set(named.key, { ...named, value });
      }
      return [...found.values()];
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async *#pages(
    instance: string,
    after: number,
    signal?: AbortSignal,
  ): AsyncIterable<readonly LogRecord[]> {
    let last = after;
    for (;;) {
      signal?.throwIfAborted();
      const from = last;
      const page = await this.#on(instance, ({ records }) =>
        records.filter(({ revision }) => revision > from).slice(0, 3),
      );
      if (page.length === 0) return;
      last = page.at(-1)?.revision ?? last;
      yield page;
    }
  }

  async #on<T>(instance: string, work: (disk: MemoryDisk) => T, evenDamaged = false): Promise<T> {
    const disk = this.#disks.get(instance);
    if (disk === undefined) throw new UnknownInstanceError(instance, this.instances());
    await this.#process.step();
    await disk.pause;
    if (disk.isHung) await new Promise(() => undefined);
    if (disk.isDown || this.#process.cutOff.has(instance))
      throw new StorageUnreachableError(`${instance} does not answer`);
    if (disk.isDamaged && !evenDamaged) throw new CorruptDataError(`${instance} is damaged`);
    const result = work(disk);
    await this.#process.step();
    return result;
  }
}

function cursorOf({ epoch, revision, compacted }: MemoryDisk): Cursor {
  return { epoch, revision, compacted };
}

export function managed(provider: LogPersistenceProvider, name: string): ManagedInstance {
  return { provider, name, providerName: 'memory', location: `memory:${name}`, keepsLog: true };
}

export function disks(...names: readonly string[]): readonly MemoryDisk[] {
  return names.map((name) => new MemoryDisk(name));
}

/** A manager as one process would have it, over disks in the order of the configuration. */
export function managerOver(
  over: readonly MemoryDisk[],
  clock: Clock,
  options: Partial<ManagerOptions> & {
    readonly process?: FakeProcess;
    readonly provider?: MemoryProvider;
  } = {},
): PersistenceManager {
  const { process, provider = new MemoryProvider(over, process), ...rest } = options;
  return new PersistenceManager({
    instances: over.map(({ name }) => managed(provider, name)),
    machineId: machineA,
    host: 'host-a',
    book: new MemoryClaimBook(),
    rules: { ack: 'primary', onSyncLoss: 'block' },
    acceptPossibleLoss: false,
    takeover: false,
    clock,
    warn: () => undefined,
    random: () => 0.5,
    ...rest,
  });
}

/** The error that an instance fails with for good. */
export function broken(): Error {
  return new StorageFailedError('the disk is broken');
}
