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
  revision: number;
  #writing: Promise<unknown> = Promise.resolve();
  #switching: Promise<unknown> | undefined;

  constructor(manager: PersistenceManager, cursor: Cursor) {
    this.#manager = manager;
    this.revision = cursor.revision;
    manager.sequenceWith((count, work) => {
      const first = this.revision + 1;
      this.revision += count;
      const switched = this.#writing.then(() => work(first));
      this.#switching = switched.catch(() => undefined).then(() => (this.#switching = undefined));
      return switched;
    });
  }

  write(key: string): Promise<void> {
    this.revision += 1;
    const record = { revision: this.revision, kind: 'k', key, value: Buffer.from(key) };
    const append = (): Promise<void> => {
      const { epoch } = this.#manager;
      const appending = this.#manager.append(encodeBatch({ epoch, records: [record] }));
      this.#writing = Promise.allSettled([this.#writing, appending]);
      return appending;
    };
    return this.#switching === undefined ? append() : this.#switching.then(append);
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
