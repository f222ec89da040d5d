// Group commit and nothing else: bodies that arrive while a batch commits form the next one, as in the store.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { encodeBatch } from '#persistence/encoding.ts';
import { openMachineId } from '#persistence/machine-id.ts';
import { SqlitePersistenceProvider, sqliteInstanceName } from '#persistence/sqlite/provider.ts';
import { systemClock } from '#platform/clock.ts';

interface Waiting {
  readonly value: Uint8Array;
  readonly key: string | undefined;
  readonly durable: (revision: number) => void;
}

export class FloorLog {
  readonly #provider: SqlitePersistenceProvider;
  readonly #instance: string;
  readonly #epoch: number;
  #revision = 0;
  #waiting: Waiting[] = [];
  #committing = false;

  private constructor(provider: SqlitePersistenceProvider, instance: string, epoch: number) {
    this.#provider = provider;
    this.#instance = instance;
    this.#epoch = epoch;
  }

  static async open(folder: string): Promise<FloorLog> {
    mkdirSync(folder, { recursive: true });
    const machineId = await openMachineId(folder);
    const file = path.join(folder, 'state.db');
    const provider = new SqlitePersistenceProvider({ paths: [file], clock: systemClock });
    await provider.initialize(machineId);
    const instance = sqliteInstanceName(file);
    const { epoch } = await provider.claimEpoch(instance);
    return new FloorLog(provider, instance, epoch);
  }

  /** Resolves with its revision once the value is durable; without a key it gets one of its own. */
  append(value: Uint8Array, key?: string): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push({ value, key, durable: resolve });
      if (!this.#committing) {
        this.#committing = true;
        setImmediate(() => void this.#commit());
      }
    });
  }

  async #commit(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 1024);
      const first = this.#revision + 1;
      const records = batch.map(({ value, key }) => {
        this.#revision += 1;
        const revision = this.#revision;
        return { revision, kind: 'floor', key: key ?? String(revision), value };
      });
      const bytes = encodeBatch({ epoch: this.#epoch, records });
      await this.#provider.append(this.#instance, bytes);
      for (const [index, { durable }] of batch.entries()) durable(first + index);
    }
    this.#committing = false;
  }
}
