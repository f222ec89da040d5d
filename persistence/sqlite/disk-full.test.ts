// A real small file system: tmpfs where this user may mount one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { encodeBatch } from '../encoding.ts';
import { StorageFullError } from '../errors.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { SqlitePersistenceProvider } from './provider.ts';

const machine = parseMachineId('f'.repeat(32)) as MachineId;
const directory = mkdtempSync(join(tmpdir(), 'windlass-full-'));
const isMounted = mountSmall(directory);
after(() => {
  if (isMounted) execFileSync('umount', [directory]);
  rmSync(directory, { recursive: true });
});

function mountSmall(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// Where continuous integration runs it must be possible; elsewhere it may not be.
const skip = !isMounted && process.env['CI'] !== 'true' && 'a small tmpfs cannot be mounted here';

test(
  'a full disk fails the batch, keeps what was there, and works again with space; a read-only one is refused by name',
  { skip },
  async () => {
    assert.ok(isMounted, 'CI must be able to mount a tmpfs');
    const ballast = join(directory, 'ballast');
    const paths = [join(directory, 'state.db')];
    const provider = new SqlitePersistenceProvider({ paths, clock: systemClock });
    const [instance = ''] = provider.instances();
    await provider.initialize(machine);
    const { epoch } = await provider.claimEpoch(instance);
    let revision = 0;
    const write = (bytes: number): Promise<void> => {
      revision += 1;
      const record = { revision, kind: 'k', key: `k${revision}`, value: Buffer.alloc(bytes, 'x') };
      return provider.append(instance, encodeBatch({ epoch, records: [record] }));
    };
    const kept = async (): Promise<number[]> => {
      const revisions: number[] = [];
      for await (const records of provider.replay(instance, new AbortController().signal)) {
        revisions.push(...records.map((record) => record.revision));
      }
      return revisions;
    };

    await write(1_000);
    writeFileSync(ballast, Buffer.alloc(2 << 20));
    await assert.rejects(write(3 << 20), (error: Error) => {
      assert.ok(error instanceof StorageFullError);
      assert.match(error.message, /state\.db: no space left/);
      return true;
    });
    assert.equal(provider.instanceStatus(instance).status, true);
    assert.deepEqual(await kept(), [1]);
    await write(1_000);
    await assert.rejects(write(3 << 20), StorageFullError);
    rmSync(ballast);
    await write(1 << 20);
    assert.deepEqual(await kept(), [1, 3, 5]);
    assert.throws(() => writeFileSync(ballast, Buffer.alloc(4 << 20)), { code: 'ENOSPC' });
    await provider[Symbol.asyncDispose]();
    rmSync(ballast);

    const again = new SqlitePersistenceProvider({ paths, clock: systemClock });
    await again.initialize(machine);
    assert.equal((await again.cursor(instance)).revision, 5);
    await again[Symbol.asyncDispose]();

    execFileSync('mount', ['-o', 'remount,ro', directory]);
    const refused = new SqlitePersistenceProvider({ paths, clock: systemClock });
    await refused.initialize(machine);
    assert.equal(refused.instanceStatus(instance).status, false);
    await assert.rejects(refused.cursor(instance), {
      name: 'StorageFailedError',
      message:
        /^Cannot write to .*state\.db: its file system is mounted read-only; mount it writable/,
    });
    await refused[Symbol.asyncDispose]();
    execFileSync('mount', ['-o', 'remount,rw', directory]);
    const writable = new SqlitePersistenceProvider({ paths, clock: systemClock });
    await writable.initialize(machine);
    assert.equal((await writable.cursor(instance)).revision, 5);
    await writable[Symbol.asyncDispose]();
  },
);
