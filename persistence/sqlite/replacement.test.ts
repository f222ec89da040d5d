// One file in the place of another: whatever the moment at which the process dies, one of the two is there, whole.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { systemClock } from '#platform/clock.ts';
import { claim, dumpOf, machine, never, put, shown } from '../conformance-site.ts';
import { SqlitePersistenceProvider } from './provider.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-replacement-'));
});
after(() => rm(root, { recursive: true }));

function open(path: string): SqlitePersistenceProvider {
  return new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
}

/** A claimed provider over one path. */
async function claimed(path: string) {
  return claim({ open: () => open(path), [Symbol.asyncDispose]: () => Promise.resolve() });
}

async function content(path: string): Promise<readonly string[]> {
  const provider = open(path);
  await using _ = provider;
  await provider.initialize(machine);
  return await shown(provider.replay(provider.instances()[0] ?? '', never));
}

async function fresh(): Promise<string> {
  return join(await mkdtemp(join(root, 'site-')), 'state.db');
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
  const path = await fresh();
  const seed = Number(process.env['WINDLASS_TEST_SEED'] ?? Date.now() % 100_000);
  t.diagnostic(`seed ${seed}`);
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
      if (begun === 3) setTimeout(() => child.kill('SIGKILL'), (seed * (round + 7)) % 61);
    }
    const lines = await content(path);
    assert.equal(lines.length, 1_500);
    assert.equal(new Set(lines).size, 1);
    const next = String.fromCodePoint((last.codePointAt(0) ?? 0) + 1);
    assert.ok(
      lines[0] === last || lines[0] === next,
      `${last} was acknowledged, found ${lines[0]}`,
    );
    assert.deepEqual(readdirSync(join(path, '..')), ['state.db', 'state.db.lock']);
  }
});

test('what was put aside is a database that can be opened', async () => {
  const path = await fresh();
  await using one = await claimed(path);
  await one.append(put(1, 'a'), put(2, 'b'));
  const aside = await one.provider.setAside(one.instance);
  assert.equal(aside, `${path}.aside-e1-r2`);
  assert.equal(statSync(aside).mode & 0o777, 0o600);
  assert.deepEqual(await content(aside), ['a@1', 'b@2']);
  await one.append(put(1, 'c'), put(2, 'd'));
  assert.equal(await one.provider.setAside(one.instance), `${path}.aside-e1-r2-2`);
});

test('a start finishes putting aside where a process died in between', async () => {
  const path = await fresh();
  let aside: string;
  {
    await using one = await claimed(path);
    await one.append(put(1, 'a'));
    aside = await one.provider.setAside(one.instance);
  }
  // As it is between the two renames: the old one is away, with a log of its own, the empty one waits.
  renameSync(path, `${aside}.empty`);
  copyFileSync(aside, `${path}-wal`);
  assert.deepEqual(await content(path), []);
  assert.ok(existsSync(`${aside}-wal`));
  assert.ok(!existsSync(`${aside}.empty`));
  await using again = await claimed(path);
  assert.equal(again.epoch, 2, 'the epoch goes on');
});

test('a start removes what an interrupted restore left', async () => {
  const path = await fresh();
  {
    await using one = await claimed(path);
    await one.append(put(1, 'a'));
  }
  copyFileSync(path, `${path}.restoring`);
  copyFileSync(path, `${path}.aside-e1-r1.empty`);
  assert.deepEqual(await content(path), ['a@1']);
  assert.deepEqual(readdirSync(join(path, '..')), ['state.db', 'state.db.lock']);
});

test('a database that cannot be opened is put aside with its log, and restored', async () => {
  const path = await fresh();
  {
    await using one = await claimed(path);
    await one.append(put(1, 'a'));
  }
  const database = new Database(path);
  database.exec(`UPDATE meta SET value = 0 WHERE name = 'clean'`);
  database.unsafeMode(true);
  database.pragma('writable_schema = ON');
  database.exec(
    `UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'log') WHERE name = 'live'`,
  );
  database.close();
  const provider = open(path);
  await using _ = provider;
  await provider.initialize(machine);
  const [instance = ''] = provider.instances();
  await assert.rejects(provider.claimEpoch(instance), { name: 'CorruptDataError' });
  assert.ok(existsSync(await provider.setAside(instance)));
  const { epoch } = await provider.claimEpoch(instance, 5);
  const dump = dumpOf({ epoch, revision: 1, compacted: 0 }, [put(1, 'b')]);
  await provider.restore(instance, dump);
  assert.deepEqual(await shown(provider.replay(instance, never)), ['b@1']);
});

test('a second process never gets at a file that is about to be replaced', async () => {
  const path = await fresh();
  await using one = await claimed(path);
  await one.append(put(1, 'a'));
  const other = open(path);
  await using _ = other;
  for (let round = 0; round < 2; round += 1) {
    const dump = dumpOf({ epoch: one.epoch, revision: 1, compacted: 0 }, [put(1, `r${round}`)]);
    const restoring = one.provider.restore(one.instance, dump);
    await other.initialize(machine);
    await restoring;
    await assert.rejects(other.claimEpoch(one.instance), { name: 'InstanceLockedError' });
    assert.deepEqual(await shown(one.provider.replay(one.instance, never)), [`r${round}@1`]);
  }
});
