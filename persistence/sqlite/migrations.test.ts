// Data directories of every format that was ever written open and hold what they held; and the way from one to the next.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { systemClock } from '#platform/clock.ts';
import { openMachineId } from '../machine-id.ts';
import { SqlitePersistenceProvider } from './provider.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Migration } from './migrations.ts';
import { openDatabase } from './schema.ts';

const golden = fileURLToPath(new URL('golden', import.meta.url));
let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'windlass-formats-'));
});
after(() => rm(root, { recursive: true }));

async function copyOf(source: string): Promise<string> {
  const directory = await mkdtemp(join(root, 'data-'));
  for (const name of readdirSync(source)) copyFileSync(join(source, name), join(directory, name));
  return directory;
}

test('there is a data directory of each format up to the present', () => {
  const formats = MIGRATIONS.map((_unused, index) => `format-${index + 1}`);
  assert.deepEqual(readdirSync(golden).toSorted(), [...formats, `format-${formats.length + 1}`]);
});

for (const format of readdirSync(golden)) {
  for (const stop of ['stopped', 'killed']) {
    test(`a data directory of ${format}, ${stop}, opens and holds what it held`, async () => {
      const directory = await copyOf(join(golden, format, stop));
      const machine = await openMachineId(directory);
      assert.equal(machine, readFileSync(join(golden, format, stop, 'machine-id'), 'utf8').trim());
      const paths = [join(directory, 'state.db')];
      const provider = new SqlitePersistenceProvider({ paths, clock: systemClock });
      await using _ = provider;
      await provider.initialize(machine);
      const [instance = ''] = provider.instances();
      const { signal } = new AbortController();
      const changes: unknown[] = [];
      for await (const page of provider.replay(instance, signal)) {
        for (const { value, ...rest } of page) {
          const text = value && Buffer.from(value).toString('base64');
          changes.push(text === undefined ? rest : { ...rest, value: text });
        }
      }
      const log: unknown = JSON.parse(readFileSync(join(directory, 'log.json'), 'utf8'));
      assert.deepEqual({ cursor: await provider.cursor(instance), changes }, log);
      assert.equal((await provider.verify(instance, signal)).records, changes.length);
      assert.equal((await provider.claimEpoch(instance)).epoch, 3);
    });
  }
}

function planted(database: Database.Database): void {
  database.exec(`ALTER TABLE log ADD COLUMN planted TEXT`);
}

function formatOf(database: Database.Database): unknown {
  return database.pragma('user_version', { simple: true });
}

test('migrations run in order, once, after a copy was made', async () => {
  const path = join(await copyOf(join(golden, 'format-1', 'killed')), 'state.db');
  const migrations: readonly Migration[] = [
    ...MIGRATIONS,
    planted,
    (database) => database.exec(`UPDATE log SET planted = 'yes'`),
  ];
  for (let start = 0; start < 2; start += 1) {
    const database = openDatabase(path, migrations);
    assert.equal(formatOf(database), MIGRATIONS.length + 3);
    const rows = database.prepare(`SELECT count(*) FROM log WHERE planted = 'yes'`).pluck().get();
    assert.ok(Number(rows) > 45);
    database.close();
  }
  assert.ok(!existsSync(`${path}.format-1.new`));
  const copy = new Database(`${path}.format-1`, { readonly: true });
  assert.equal(formatOf(copy), 1);
  copy.close();
  assert.throws(
    () => openDatabase(path),
    /it has format 4, this program knows formats 1 to 2; use the program version that wrote it/,
  );
});

test('a migration that fails leaves the format before, and all that was there', async () => {
  const path = join(await copyOf(join(golden, 'format-1', 'stopped')), 'state.db');
  const broken: Migration = (database) => {
    planted(database);
    database.exec('DELETE FROM log');
    throw new Error('no');
  };
  assert.throws(() => openDatabase(path, [broken]), /no/);
  const database = new Database(path, { readonly: true });
  assert.equal(formatOf(database), 1);
  assert.ok(Number(database.prepare('SELECT count(*) FROM log').pluck().get()) > 45);
  database.close();
});
