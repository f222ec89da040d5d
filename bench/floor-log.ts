// Group commit and nothing else: bodies that arrive while a batch commits form the next one, as in the store.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { encodeBatch } from '#persistence/encoding.ts';
import { openMachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import type { OpenedPersistence } from '#persistence/open.ts';
import { systemClock } from '#platform/clock.ts';

interface Waiting {
  readonly value: Uint8Array;
  readonly durable: () => void;
}

export class FloorLog {
  readonly #persistence: OpenedPersistence;
  readonly #epoch: number;
  #revision = 0;
  #waiting: Waiting[] = [];
  #committing = false;

  private constructor(persistence: OpenedPersistence, epoch: number) {
    this.#persistence = persistence;
    this.#epoch = epoch;
  }

  static async open(folder: string): Promise<FloorLog> {
    mkdirSync(folder, { recursive: true });
    const machineId = await openMachineId(folder);
    const persistence = await openPersistence({
      urls: [`sqlite:${path.join(folder, 'state.db')}`],
      machineId,
      clock: systemClock,
    });
    const { epoch } = await persistence.provider.claimEpoch(persistence.instance);
    return new FloorLog(persistence, epoch);
  }

  /** Resolves once the value is durable. */
  append(value: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ value, durable: resolve });
      if (!this.#committing) {
        this.#committing = true;
        setImmediate(() => void this.#commit());
      }
    });
  }

  async #commit(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 1024);
      const records = batch.map(({ value }) => {
        this.#revision += 1;
        return { revision: this.#revision, kind: 'floor', key: String(this.#revision), value };
      });
      const bytes = encodeBatch({ epoch: this.#epoch, records });
      await this.#persistence.provider.append(this.#persistence.instance, bytes);
      for (const { durable } of batch) durable();
    }
    this.#committing = false;
  }
}
