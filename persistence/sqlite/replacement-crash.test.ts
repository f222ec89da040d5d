// Killed while one file takes the place of another: one of the two is there, whole.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { seededRandom } from '#test/support/seed.ts';
import { machine, never, shown } from '../conformance-site.ts';
import { SqlitePersistenceProvider } from './provider.ts';

async function content(path: string): Promise<readonly string[]> {
  const provider = new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
  await using _ = provider;
  await provider.initialize(machine);
  return await shown(provider.replay(provider.instances()[0] ?? '', never));
}

/** Restores logs of 1,500 records in turn, each of which has one letter in all its values, and prints the letter when done. */
function restorerSource(path: string): string {
  const file = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { writeSync } from 'node:fs';
    const { SqlitePersistenceProvider } = await import(${file('provider.ts')});
    const { dumpOf, put } = await import(${file('../conformance-site.ts')});
    const { systemClock } = await import(${file('../../platform/clock.ts')});
    const provider = new SqlitePersistenceProvider({ paths: [${JSON.stringify(path)}], clock: systemClock });
    await provider.initialize('');
    const [instance] = provider.instances();
    const { epoch } = await provider.claimEpoch(instance);
    for (let turn = 0; ; turn += 1) {
      const letter = 'abcdefghijklmnopqrstuvwxyz'[turn % 26];
      const records = Array.from({ length: 1_500 }, (_, index) => put(index + 1, 'k' + index, letter));
      writeSync(1, 'begin\\n');
      await provider.restore(instance, dumpOf({ epoch, revision: 1_500, compacted: 0 }, records));
      writeSync(1, letter + '\\n');
    }`;
}

test('kill -9 in the middle of a restore leaves one log whole, and no files behind', async (t) => {
  const random = seededRandom();
  t.diagnostic(`seed ${random.seed}`);
  const directory = await mkdtemp(join(tmpdir(), 'windlass-restore-crash-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'state.db');
  for (let round = 0; round < 6; round += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', restorerSource(path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = '';
    let begun = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line !== 'begin') last = line;
      else begun += 1;
      // The first round leaves something to lose. A moment of some ten milliseconds from there: anywhere in a restore.
      if (begun === 3) setTimeout(() => child.kill('SIGKILL'), random.next(61));
    }
    const lines = await content(path);
    assert.equal(lines.length, 1_500);
    assert.equal(new Set(lines).size, 1);
    const next = String.fromCodePoint((last.codePointAt(0) ?? 0) + 1);
    assert.ok(
      lines[0] === last || lines[0] === next,
      `${last} was acknowledged, found ${lines[0]}`,
    );
    assert.deepEqual(readdirSync(directory), ['state.db', 'state.db.lock']);
  }
});
