// One file in the place of another, and what a start does with what was left half done.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('what was put aside is a database that can be opened', async () => {
  const path = await fresh();
  await using one = await claimed(path);
  await one.append(put(1, 'a'), put(2, 'b'));
  const aside = await one.provider.setAside(one.instance, one.epoch);
  assert.equal(aside, `${path}.aside-e1-r2`);
  assert.equal(statSync(aside).mode & 0o777, 0o600);
  assert.deepEqual(await content(aside), ['a@1', 'b@2']);
  await one.append(put(1, 'c'), put(2, 'd'));
  assert.equal(await one.provider.setAside(one.instance, one.epoch), `${path}.aside-e1-r2-2`);
});

test('a start finishes putting aside where a process died in between', async () => {
  const path = await fresh();
  let aside: string;
  {
    await using one = await claimed(path);
    await one.append(put(1, 'a'));
    aside = await one.provider.setAside(one.instance, one.epoch);
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
  assert.ok(existsSync(await provider.setAside(instance, undefined)));
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
