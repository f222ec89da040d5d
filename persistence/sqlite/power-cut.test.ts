// Disks that lose what was not synced, refuse a sync, write half, or are switched to read-only under a running instance.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { crashCycle } from '#test/support/crash-cycle.ts';
import { FaultDisk, missingFaultDisk } from '#test/support/fault-disk.ts';
import { needs } from '#test/support/missing-part.ts';
import { seededRandom } from '#test/support/seed.ts';
import { claim, machine, never, put, shown } from '../conformance-site.ts';
import type { Opened } from '../conformance-site.ts';
import { SqlitePersistenceProvider } from './provider.ts';

const CYCLES = 10;
const EIO = 5;
const ENOSPC = 28;
const SHORT = -1;
const fuse = needs(missingFaultDisk());

async function opened(path: string): Promise<Opened> {
  return claim({
    open: () => new SqlitePersistenceProvider({ paths: [path], clock: systemClock }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

async function served(path: string): Promise<readonly string[]> {
  await using one = await opened(path);
  await one.provider.verify(one.instance, never);
  return await shown(one.provider.replay(one.instance, never));
}

test('a power cut costs nothing that was acknowledged', fuse, async (t) => {
  const random = seededRandom();
  t.diagnostic(`seed ${random.seed}`);
  await using disk = await FaultDisk.open({ losesNames: true });
  const path = join(disk.path, 'state', 'state.db');
  let before = 0;
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    before = await crashCycle({ path, random, disk, before });
  }
});

test(
  'a power cut takes what was never synced: the disk of these tests is a real judge',
  fuse,
  async () => {
    await using disk = await FaultDisk.open();
    const path = join(disk.path, 'state.db');
    {
      await using one = await opened(path);
      await one.append(put(1, 'a'));
      // Not acknowledged, and not kept: the sync fails, so the log has it and the disk has not.
      await disk.fail('fsync', 'state.db-wal', EIO, -1);
      await assert.rejects(one.append(put(2, 'b')), { name: 'StorageFailedError' });
      await disk.cut(1, 0);
    }
    await disk.powerOn();
    assert.deepEqual(await served(path), ['a@1']);
  },
);

test('after a sync that failed nothing is acknowledged any more', fuse, async () => {
  await using disk = await FaultDisk.open();
  const path = join(disk.path, 'state.db');
  {
    await using one = await opened(path);
    await one.append(put(1, 'a'));
    await disk.fail('fsync', '*', EIO, 1);
    const error = { name: 'StorageFailedError', message: /state\.db.*SQLITE_IOERR_FSYNC/ };
    await assert.rejects(one.append(put(2, 'b')), error);
    // The disk is well again, and a second sync would succeed: without the pages of the first.
    await assert.rejects(one.append(put(3, 'c')), error);
    await assert.rejects(one.provider.putObject(one.instance, put(1, 'd') as never), error);
    assert.equal(one.provider.instanceStatus(one.instance).status, false);
    await one.provider.initialize(machine);
    const { revision } = await one.provider.cursor(one.instance);
    assert.ok(revision === 1 || revision === 2, `revision ${revision}`);
  }
  const lines = await served(path);
  assert.equal(lines[0], 'a@1');
  assert.ok(lines.length <= 2);
});

for (const [what, errno, name] of [
  ['that writes half and then has no space', ENOSPC, 'StorageFullError'],
  ['that writes half and then fails', EIO, 'StorageFailedError'],
] as const) {
  test(`a disk ${what} keeps no part of the batch`, fuse, async () => {
    await using disk = await FaultDisk.open();
    const path = join(disk.path, 'state.db');
    {
      await using one = await opened(path);
      await one.append(put(1, 'a'), put(2, 'b'));
      await disk.fail('write', 'state.db-wal', SHORT, 2);
      await disk.fail('write', 'state.db-wal', errno, 1);
      const big = { ...put(3, 'c'), value: Buffer.alloc(100_000, 'c') };
      await assert.rejects(one.append(big), { name });
      await disk.heal();
      if (name === 'StorageFullError') await one.append(put(4, 'd'));
    }
    const lines = await served(path);
    assert.deepEqual(lines, name === 'StorageFullError' ? ['a@1', 'b@2', 'd@4'] : ['a@1', 'b@2']);
  });
}

test(
  'a disk that cannot be read at the start is down, not damaged, and opens again',
  fuse,
  async () => {
    await using disk = await FaultDisk.open();
    const path = join(disk.path, 'state.db');
    {
      await using one = await opened(path);
      await one.append(put(1, 'a'));
    }
    await disk.fail('read', 'state.db', EIO, -1);
    const provider = new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
    await using _ = provider;
    await provider.initialize(machine);
    const [instance = ''] = provider.instances();
    await assert.rejects(provider.cursor(instance), { name: 'StorageFailedError' });
    await disk.heal();
    await provider.initialize(machine);
    assert.deepEqual(await shown(provider.replay(instance, never)), ['a@1']);
  },
);

/** A small ext4 of its own, that goes read-only after an error; undefined where it cannot be mounted. */
function mountLoop(t: TestContext): { readonly image: string; readonly point: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-loop-'));
  const [image, point] = [join(folder, 'image'), join(folder, 'mount')];
  t.after(() => {
    spawnSync('umount', ['-l', point]);
    rmSync(folder, { recursive: true });
  });
  try {
    mkdirSync(point);
    execFileSync('truncate', ['-s', '32M', image]);
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-e', 'remount-ro', image], {
      stdio: 'pipe',
    });
    execFileSync('mount', ['-o', 'loop', image, point], { stdio: 'pipe' });
  } catch {
    return undefined;
  }
  return { image, point };
}

test('a file system that goes read-only stops the instance and loses nothing', async (t) => {
  const loop = mountLoop(t);
  if (loop === undefined) {
    t.skip(String(needs('a loop device with ext4').skip));
    return;
  }
  const { image, point } = loop;
  const path = join(point, 'state.db');
  {
    await using one = await opened(path);
    await one.append(put(1, 'a'));
    // What the kernel does when the device fails it.
    const device = execFileSync('losetup', ['-j', image, '-O', 'NAME', '-n'], { encoding: 'utf8' });
    writeFileSync(`/sys/fs/ext4/${basename(device.trim())}/trigger_fs_error`, 'planted by a test');
    await assert.rejects(one.append(put(2, 'b')), { name: 'StorageFailedError' });
    await assert.rejects(one.append(put(3, 'c')), { name: 'StorageFailedError' });
    assert.equal(one.provider.instanceStatus(one.instance).status, false);
  }
  execFileSync('umount', [point]);
  // 1: errors were corrected.
  assert.ok((spawnSync('e2fsck', ['-fy', image]).status ?? 99) <= 1);
  execFileSync('mount', ['-o', 'loop', image, point]);
  assert.deepEqual(await served(path), ['a@1']);
});
