// The logs that are killed, what log-writer.ts writes into them, and whether one holds all that it has acknowledged: every batch whole, in order, with no gaps.
import assert from 'node:assert/strict';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import { NfsPersistenceProvider } from '#persistence/nfs/provider.ts';
import type { LogPersistenceProvider } from '#persistence/provider.ts';
import { SqlitePersistenceProvider } from '#persistence/sqlite/provider.ts';
import { systemClock } from '#platform/clock.ts';

/** What keeps the log: a database file, or a directory of segments. */
export type LogStore = 'sqlite' | 'nfs';

export function providerAt(store: LogStore, path: string): LogPersistenceProvider {
  const options = { paths: [path], clock: systemClock };
  return store === 'sqlite'
    ? new SqlitePersistenceProvider(options)
    : new NfsPersistenceProvider(options);
}

export const PER_BATCH = 7;
export const KEYS = 50;

/** Says its revision, and has a length of its own. */
export function valueOf(revision: number): Uint8Array {
  return Buffer.alloc(100 + (revision % 37) * 100, `${revision} `);
}

/**
 * Opens the log as a start does and reads it all.
 *
 * @param acknowledged the newest revision that the writer was told is durable
 * @returns the newest revision that is there
 * @throws AssertionError for anything lost, torn, out of order or not as it was written
 */
export async function checkLog(
  store: LogStore,
  path: string,
  acknowledged: number,
): Promise<number> {
  const provider = providerAt(store, path);
  await using _ = provider;
  await provider.initialize(parseMachineId('f'.repeat(32)) as MachineId);
  const [instance = ''] = provider.instances();
  const { revision, compacted } = await provider.cursor(instance);
  assert.ok(revision >= acknowledged, `acknowledged ${acknowledged}, found ${revision}`);
  assert.equal(revision % PER_BATCH, 0, 'half a batch');
  const { signal } = new AbortController();
  // Each revision writes key revision % KEYS, so the newest KEYS are the live ones.
  const newest = new Map<string, number>();
  const changes: number[] = [];
  for await (const records of provider.replay(instance, signal)) {
    for (const record of records) {
      assert.deepEqual(Buffer.from(record.value ?? []), valueOf(record.revision));
      newest.set(record.key, record.revision);
      if (record.revision > compacted) changes.push(record.revision);
    }
  }
  const live = Math.min(KEYS, revision);
  assert.deepEqual(
    [...newest.values()].toSorted((a, b) => a - b),
    Array.from({ length: live }, (_unused, index) => revision - live + 1 + index),
  );
  assert.deepEqual(
    changes,
    Array.from({ length: revision - compacted }, (_unused, index) => compacted + 1 + index),
  );
  await provider.verify(instance, signal);
  return revision;
}
