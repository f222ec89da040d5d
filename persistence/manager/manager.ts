// The log that the store writes to, over the instances that keep it.
import { UnknownInstanceError } from '../errors.ts';
import { isShownToStore } from '../log.ts';
import type {
  InstanceListener,
  InstanceReport,
  ManagerControl,
  PersistenceLog,
  Verification,
} from '../log.ts';
import type { Cursor, LogDump, LogPersistenceProvider, LogRecord } from '../provider.ts';
import { recordsThrough } from '../records-through.ts';
import type { Clock } from '#platform/clock.ts';

/** One instance as configured. */
export interface ManagedInstance {
  /** Initialized. */
  readonly provider: LogPersistenceProvider;
  readonly name: string;
  /** What the provider is called in metrics and reports: `sqlite`, `s3`, `nfs`, `module`. */
  readonly providerName: string;
  /** Without secrets. */
  readonly location: string;
}

export interface ManagerOptions {
  readonly primary: ManagedInstance;
  readonly clock: Clock;
}

export class PersistenceManager implements PersistenceLog {
  readonly control: ManagerControl;
  readonly #primary: ManagedInstance;
  readonly #listeners = new Set<InstanceListener>();
  readonly #since: number;
  /** Where the history of each dump that is being read begins: it is kept meanwhile. */
  readonly #dumps = new Map<symbol, number>();
  #epoch = 0;
  #revision = 0;

  constructor({ primary, clock }: ManagerOptions) {
    this.#primary = primary;
    this.#since = clock.now();
    this.control = {
      resync: (instance) => {
        this.#known(instance);
        return Promise.reject(
          new Error(`Cannot make ${instance} anew: it is the primary, whose state all others get`),
        );
      },
      dump: (instance, signal) => this.#dump(instance, signal),
      verify: (instance, signal) => this.#verify(instance, signal),
    };
  }

  async open(): Promise<Cursor> {
    const cursor = await this.#primary.provider.claimEpoch(this.#primary.name);
    this.#epoch = cursor.epoch;
    this.#revision = cursor.revision;
    return cursor;
  }

  append(batch: ArrayBuffer): Promise<void> {
    return this.#primary.provider.append(this.#primary.name, batch);
  }

  async *replay(signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    for await (const records of this.#primary.provider.replay(this.#primary.name, signal)) {
      const shown = records.filter(({ kind }) => isShownToStore(kind));
      if (shown.length > 0) yield shown;
    }
  }

  compact(through: number): Promise<void> {
    const kept = Math.min(through, ...this.#dumps.values());
    return this.#primary.provider.compact(this.#primary.name, kept);
  }

  blocked(): undefined {
    return undefined;
  }

  instances(): readonly InstanceReport[] {
    const { provider, name, providerName, location } = this.#primary;
    const { exists, status, meanPersistLatency } = provider.instanceStatus(name);
    return [
      {
        name,
        provider: providerName,
        location,
        role: 'Primary',
        isSynchronous: true,
        state: status ? 'Up' : 'Down',
        since: this.#since,
        exists,
        up: status,
        meanPersistLatency,
        epoch: this.#epoch,
        revision: this.#revision,
        lagRevisions: 0,
        lagSeconds: 0,
        pendingBytes: 0,
        lastError: undefined,
      },
    ];
  }

  watch(listener: InstanceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#primary.provider[Symbol.asyncDispose]();
  }

  async #dump(instance: string, signal: AbortSignal): Promise<LogDump> {
    this.#known(instance);
    const { provider } = this.#primary;
    const held = Symbol(instance);
    this.#dumps.set(held, 0);
    const release = (): boolean => this.#dumps.delete(held);
    signal.addEventListener('abort', release, { once: true });
    try {
      const { epoch, revision, compacted } = await provider.cursor(instance);
      this.#dumps.set(held, compacted);
      const records = recordsThrough(provider.replay(instance, signal), revision, release);
      return { epoch, revision, compacted, records };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #verify(instance: string, signal: AbortSignal): Promise<Verification> {
    this.#known(instance);
    let [count, bytes] = [0, 0];
    const { provider } = this.#primary;
    for await (const records of provider.replay(instance, signal)) {
      count += records.length;
      for (const { value } of records) bytes += value?.byteLength ?? 0;
    }
    const { revision } = await provider.cursor(instance);
    return { records: count, bytes, revision };
  }

  #known(instance: string): void {
    if (instance !== this.#primary.name) {
      throw new UnknownInstanceError(instance, [this.#primary.name]);
    }
  }
}
