// kill -9 in the middle of writes, again and again on the same file: what was acknowledged is there, in order and whole.
// `npm run torture` does it thousands of times.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crashCycle } from '#test/support/crash-cycle.ts';
import { seededRandom } from '#test/support/seed.ts';

const FILES = 5;
const CYCLES = 10;

for (let file = 1; file <= FILES; file += 1) {
  test(`kill -9 in the middle of writes loses nothing acknowledged (file ${file} of ${FILES})`, async (t) => {
    const random = seededRandom();
    t.diagnostic(`seed ${random.seed}`);
    const directory = await mkdtemp(join(tmpdir(), 'windlass-crash-'));
    t.after(() => rm(directory, { recursive: true }));
    const path = join(directory, 'state.db');
    let before = 0;
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      before = await crashCycle({ path, random, before });
    }
  });
}
