// A file that goes bad under a running instance: it stops writing and says so, rather than going on with what is left.
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { encodeBatch } from '../encoding.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { isPassing } from '../thread/failures.ts';
import { SqlitePersistenceProvider } from './provider.ts';
import { sqliteFailureOf } from './sqlite-failure.ts';

test('an instance whose file was cut off fails, stays down and writes no more', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'windlass-failure-'));
  const path = join(directory, 'state.db');
  const provider = new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
  await provider.initialize(parseMachineId('f'.repeat(32)) as MachineId);
  const [instance = ''] = provider.instances();
  const { epoch } = await provider.claimEpoch(instance);
  let revision = 0;
  const write = (): Promise<void> => {
    const records = Array.from({ length: 1_000 }, () => {
      revision += 1;
      return { revision, kind: 'k', key: `k${revision}`, value: Buffer.alloc(8_000) };
    });
    return provider.append(instance, encodeBatch({ epoch, records }));
  };
  try {
    for (let batch = 0; batch < 4; batch += 1) await write();
    await truncate(`${path}-wal`);
    await truncate(path);
    // What lies in SQLite's page cache may carry a few more.
    const outcomes: (Error | undefined)[] = [];
    for (let batch = 0; batch < 8; batch += 1) {
      outcomes.push(
        await write().then(
          () => undefined,
          (error: Error) => error,
        ),
      );
    }
    const first = outcomes.findIndex((error) => error !== undefined);
    assert.ok(first >= 0, 'no write failed');
    assert.match(String(outcomes[first]?.name), /^(CorruptDataError|StorageFailedError)$/);
    assert.ok(outcomes[first]?.message.includes(path));
    assert.ok(
      outcomes.slice(first).every((error) => error !== undefined),
      'it wrote again',
    );
    assert.equal(provider.instanceStatus(instance).status, false);
  } finally {
    await provider[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
});

for (const [code, type] of [
  ['SQLITE_FULL', 'full'],
  ['ENOSPC', 'full'],
  ['SQLITE_BUSY', 'locked'],
  ['SQLITE_IOERR_FSYNC', 'failed'],
  ['SQLITE_IOERR_WRITE', 'failed'],
  ['SQLITE_CORRUPT_INDEX', 'corrupt'],
  ['SQLITE_NOTADB', 'foreign'],
  ['SQLITE_CANTOPEN', 'failed'],
  ['ERR_UNHEARD_OF', 'failed'],
] as const) {
  test(`${code} is ${type}, and only a full disk leaves the instance up`, () => {
    const failure = sqliteFailureOf(
      Object.assign(new Error('what SQLite says'), { code }),
      '/x/state.db',
    );
    assert.equal(failure.type, type);
    assert.equal(isPassing(failure), type === 'full');
  });
}
