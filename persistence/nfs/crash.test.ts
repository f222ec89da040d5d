// kill -9 and power cuts in the middle of writes to a directory, again and again on the same one: what was acknowledged is there, in order
// and whole. The disk also loses names that were not synced, and brings back deleted ones. `npm run torture` does it thousands of times.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crashCycle } from '#test/support/crash-cycle.ts';
import { FaultDisk, missingFaultDisk } from '#test/support/fault-disk.ts';
import { needs } from '#test/support/missing-part.ts';
import { seededRandom } from '#test/support/seed.ts';

const KILLS = 6;
const CUTS = 8;

test('kill -9 at random moments loses nothing that a directory has acknowledged', async (t) => {
  const random = seededRandom();
  t.diagnostic(`seed ${random.seed}`);
  const directory = await mkdtemp(join(tmpdir(), 'windlass-nfs-crash-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'state');
  let before = 0;
  for (let cycle = 0; cycle < KILLS; cycle += 1)
    before = await crashCycle({ store: 'nfs', path, random, before });
});

test(
  'a power cut costs nothing that a directory has acknowledged',
  needs(missingFaultDisk()),
  async (t) => {
    const random = seededRandom();
    t.diagnostic(`seed ${random.seed}`);
    await using disk = await FaultDisk.open({ losesNames: true });
    const path = join(disk.path, 'state');
    let before = 0;
    for (let cycle = 0; cycle < CUTS; cycle += 1)
      before = await crashCycle({ store: 'nfs', path, random, disk, before });
  },
);
