import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { systemClock } from '#platform/clock.ts';
import { encodeBatch } from '../encoding.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { testProvider } from '../provider-conformance.ts';
import { SqlitePersistenceProvider, sqliteInstanceName } from './provider.ts';

const machine = parseMachineId('f'.repeat(32)) as MachineId;
let root: string;
let count = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-sqlite-'));
});
after(() => rm(root, { recursive: true }));

function freshPath(): string {
  count += 1;
  return join(root, `state-${count}.db`);
}

testProvider(test, 'SqlitePersistenceProvider', async () => {
  const directory = await mkdtemp(join(root, 'site-'));
  const paths = [join(directory, 'one.db'), join(directory, 'two.db')];
  return {
    open: () => new SqlitePersistenceProvider({ paths, clock: systemClock }),
    damage: (instance) => {
      const path = paths.find((candidate) => sqliteInstanceName(candidate) === instance) ?? '';
      // All copies: a page that was split leaves one behind.
      const text = readFileSync(path, 'latin1');
      writeFileSync(path, text.replaceAll('k150@151', 'j150@151'), 'latin1');
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});

async function opened(path: string) {
  const provider = new SqlitePersistenceProvider({ paths: [path], clock: systemClock });
  await provider.initialize(machine);
  return { provider, instance: provider.instances()[0] ?? '' };
}

/** Opens the path and gives the error that its use ends with. */
async function refusal(path: string): Promise<Error> {
  const { provider, instance } = await opened(path);
  await using _ = provider;
  assert.equal(provider.instanceStatus(instance).exists, true);
  assert.equal(provider.instanceStatus(instance).status, false);
  return provider.claimEpoch(instance).then(
    () => assert.fail('it was opened'),
    (error: Error) => error,
  );
}

async function fill(path: string, objects: number): Promise<void> {
  const { provider, instance } = await opened(path);
  await using _ = provider;
  const { epoch } = await provider.claimEpoch(instance);
  const records = Array.from({ length: objects }, (_unused, index) => ({
    revision: index + 1,
    kind: 'core/pods',
    key: `default/p${index}`,
    value: Buffer.alloc(2_000, `value ${index} `),
  }));
  await provider.append(instance, encodeBatch({ epoch, records }));
}

test('a file that is not a database is refused and left as it was', async () => {
  const path = freshPath();
  await writeFile(path, 'To do: buy milk\n'.repeat(500));
  const error = await refusal(path);
  assert.equal(error.name, 'ForeignDataError');
  assert.match(error.message, /state-\d+\.db: it is not a SQLite database/);
});

test('a SQLite database of another application is refused', async () => {
  const path = freshPath();
  const database = new Database(path);
  database.exec('CREATE TABLE albums (name TEXT)');
  database.close();
  const error = await refusal(path);
  assert.equal(error.name, 'ForeignDataError');
  assert.match(error.message, /another application/);
});

test('a database of a later format is refused', async () => {
  const path = freshPath();
  await fill(path, 1);
  const database = new Database(path);
  database.pragma('user_version = 99');
  database.close();
  assert.match((await refusal(path)).message, /format 99, this program knows formats 1 to 2/);
});

test('a path that is a directory is refused', async () => {
  const error = await refusal(await mkdtemp(join(root, 'directory-')));
  assert.equal(error.name, 'StorageFailedError');
  assert.match(error.message, /directory-/);
});

test('commits are durable: FULL, WAL and exclusive are what the file is used with', async () => {
  const path = freshPath();
  await fill(path, 1);
  const database = new Database(path, { readonly: true });
  assert.equal(database.pragma('journal_mode', { simple: true }), 'wal');
  assert.equal(database.pragma('page_size', { simple: true }), 8_192);
  assert.equal(database.pragma('auto_vacuum', { simple: true }), 2);
  assert.equal(database.prepare(`SELECT value FROM meta WHERE name = 'clean'`).pluck().get(), 1);
  database.close();
});

test('a second opener in the same process is refused, and the first goes on', async () => {
  const path = freshPath();
  const { provider, instance } = await opened(path);
  await using _ = provider;
  const error = await refusal(path);
  assert.equal(error.name, 'InstanceLockedError');
  assert.ok(error.message.includes(path));
  await provider.putObject(instance, { kind: 'k', key: 'a', value: Buffer.from('x') });
});

test('a second process is refused with the path and what to do', async () => {
  const path = freshPath();
  const { provider, instance } = await opened(path);
  await using _ = provider;
  const script = `
    const { SqlitePersistenceProvider } = await import(${JSON.stringify(new URL('provider.ts', import.meta.url).href)});
    const clock = { now: () => 0, monotonic: () => 0, schedule: () => () => undefined };
    const provider = new SqlitePersistenceProvider({ paths: [${JSON.stringify(path)}], clock });
    await provider.initialize('');
    await provider.claimEpoch(provider.instances()[0]).catch((error) => console.log(error.name, error.message));
    await provider[Symbol.asyncDispose]();`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
  assert.match(
    stdout,
    /^InstanceLockedError Cannot open .*state-\d+\.db: another process is using/,
  );
  await provider.putObject(instance, { kind: 'k', key: 'a', value: Buffer.from('x') });
});

test('a changed value is found by its checksum, never served', async () => {
  const path = freshPath();
  await fill(path, 10);
  const database = new Database(path);
  database.exec(
    `UPDATE log SET value = CAST(replace(value, 'value', 'VALUE') AS BLOB) WHERE revision = 7`,
  );
  database.close();
  const { provider, instance } = await opened(path);
  await using _ = provider;
  const replay = async (): Promise<void> => {
    for await (const records of provider.replay(instance, new AbortController().signal)) {
      for (const { revision } of records) assert.ok(revision !== 7);
    }
  };
  await assert.rejects(replay, {
    name: 'CorruptDataError',
    message: /default\/p6 at revision 7.*checksum/,
  });
});

for (const [name, change] of [
  ['epoch', '+ 1'],
  ['revision', '+ 64'],
  ['compacted', '+ 1'],
  ['sum', '+ 1'],
] as const) {
  test(`a changed ${name} of the log as a whole is found at the start`, async () => {
    const path = freshPath();
    await fill(path, 10);
    const database = new Database(path);
    database.exec(`UPDATE meta SET value = value ${change} WHERE name = '${name}'`);
    database.close();
    const error = await refusal(path);
    assert.equal(error.name, 'CorruptDataError');
    assert.match(error.message, /damaged.*it says of itself epoch \d+, revision \d+/);
  });
}

test('after a crash a damaged file is found at the start', async () => {
  const path = freshPath();
  await fill(path, 200);
  const database = new Database(path);
  database.exec(`UPDATE meta SET value = 0 WHERE name = 'clean'`);
  // An entry of `live` that its own b-tree order contradicts.
  database.unsafeMode(true);
  database.pragma('writable_schema = ON');
  database.exec(
    `UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'log') WHERE name = 'live'`,
  );
  database.close();
  const error = await refusal(path);
  assert.equal(error.name, 'CorruptDataError');
  assert.match(error.message, /damaged.*backup/);
});

test('space of forgotten values is reused', async () => {
  const path = freshPath();
  const { provider, instance } = await opened(path);
  await using _ = provider;
  const { epoch } = await provider.claimEpoch(instance);
  let revision = 0;
  for (let round = 0; round < 20; round += 1) {
    const records = Array.from({ length: 100 }, () => {
      revision += 1;
      return { revision, kind: 'k', key: `k${revision % 10}`, value: Buffer.alloc(8_000, 'x') };
    });
    await provider.append(instance, encodeBatch({ epoch, records }));
    await provider.compact(instance, revision);
  }
  await provider[Symbol.asyncDispose]();
  const database = new Database(path, { readonly: true });
  const pages = Number(database.pragma('page_count', { simple: true }));
  database.close();
  // 2,000 values were written, of which 10 live; without reuse it were 2,000 pages.
  assert.ok(pages < 400, `${pages} pages`);
});
