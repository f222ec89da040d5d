// A real small file system, full for a while and then read-only for a while: tmpfs where this user may mount one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { machine, never } from '../conformance-site.ts';
import { encodeBatch } from '../encoding.ts';
import { NfsPersistenceProvider } from './provider.ts';

const directory = mkdtempSync(join(tmpdir(), 'windlass-small-'));
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
  'a full and a read-only disk fail the batch, keep what was there, and work again',
  { skip },
  async () => {
    assert.ok(isMounted, 'CI must be able to mount a tmpfs');
    const paths = [join(directory, 'state')];
    const provider = new NfsPersistenceProvider({ paths, clock: systemClock });
    await using _ = provider;
    const [instance = ''] = provider.instances();
    await provider.initialize(machine);
    const { epoch } = await provider.claimEpoch(instance);
    const write = (revision: number, bytes: number): Promise<void> => {
      const record = { revision, kind: 'k', key: `k${revision}`, value: Buffer.alloc(bytes, 'x') };
      return provider.append(instance, encodeBatch({ epoch, records: [record] }));
    };
    const kept = async (): Promise<number[]> => {
      const revisions: number[] = [];
      for await (const records of provider.replay(instance, never)) {
        revisions.push(...records.map(({ revision }) => revision));
      }
      return revisions;
    };

    await write(1, 1_000);
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, Buffer.alloc(2 << 20));
    const full = { name: 'StorageFullError', message: /state: no space left/ };
    await assert.rejects(write(2, 3 << 20), full);
    assert.equal(provider.instanceStatus(instance).status, true);
    assert.deepEqual(await kept(), [1]);
    await write(2, 1_000);
    await assert.rejects(write(3, 3 << 20), full);
    rmSync(ballast);
    await write(3, 1 << 20);
    assert.deepEqual(await kept(), [1, 2, 3]);

    execFileSync('mount', ['-o', 'remount,ro', directory]);
    const refused = { name: 'StorageUnreachableError', message: /EROFS/ };
    await assert.rejects(write(4, 10), refused);
    await assert.rejects(write(4, 10), refused);
    assert.deepEqual(await kept(), [1, 2, 3]);
    execFileSync('mount', ['-o', 'remount,rw', directory]);
    await write(4, 10);
    assert.deepEqual(await kept(), [1, 2, 3, 4]);
    assert.equal(provider.instanceStatus(instance).status, true);
  },
);
