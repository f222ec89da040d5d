// For tests of the manager: somebody who writes as the store does, and what they look at.
import { encodeBatch } from '../encoding.ts';
import type { InstanceState } from '../log.ts';
import type { Cursor } from '../provider.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import type { PersistenceManager } from './manager.ts';

export const never = new AbortController().signal;

/** A writer as the store is one: revisions that grow, one batch after the other. */
export class Writer {
  readonly #manager: PersistenceManager;
  readonly #epoch: number;
  revision: number;

  constructor(manager: PersistenceManager, cursor: Cursor) {
    this.#manager = manager;
    this.#epoch = cursor.epoch;
    this.revision = cursor.revision;
  }

  write(key: string): Promise<void> {
    this.revision += 1;
    const record = { revision: this.revision, kind: 'k', key, value: Buffer.from(key) };
    return this.#manager.append(encodeBatch({ epoch: this.#epoch, records: [record] }));
  }
}

export async function opened(manager: PersistenceManager): Promise<Writer> {
  return new Writer(manager, await manager.open(never));
}

export function keysOf(disk: MemoryDisk | undefined): readonly string[] {
  return (disk?.records ?? []).filter(({ kind }) => kind === 'k').map(({ key }) => key);
}

export function statesOf(manager: PersistenceManager): readonly InstanceState[] {
  return manager.instances().map(({ state }) => state);
}
