// The floor of `bench store`: the same batches in the same tables by a bare loop over better-sqlite3, as durable. No requests,
// no checksums, no epoch: SQLite's own time. Its checkpoints run inside commits, as SQLite does by itself.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

interface Task {
  readonly path: string;
  readonly batches: number;
  /** Of the batches, those that are written before the clock runs. */
  readonly warmup: number;
  readonly perBatch: number;
  readonly keys: number;
  readonly value: Uint8Array;
}

const { path, batches, warmup, perBatch, keys, value } = workerData as Task;
const database = new Database(path);
database.pragma('page_size = 8192');
database.pragma('auto_vacuum = INCREMENTAL');
database.pragma('locking_mode = EXCLUSIVE');
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec(`
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,
    previous INTEGER, value BLOB, crc INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE live (
    kind TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('revision', 0);
`);
const begin = database.prepare('BEGIN IMMEDIATE');
const commit = database.prepare('COMMIT');
const previousOf = database.prepare('SELECT revision FROM live WHERE kind = ? AND key = ?').pluck();
const insert = database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, 0)');
const point = database.prepare(
  'INSERT INTO live VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision',
);
const setRevision = database.prepare(`UPDATE meta SET value = ? WHERE name = 'revision'`);

// Made before, as for the provider.
const names = Array.from({ length: keys }, (_, index) => `default/o${index}`);
let started = 0;
let thread: NodeJS.CpuUsage | undefined;
let revision = 0;
for (let batch = 0; batch < batches; batch += 1) {
  if (batch === warmup) {
    started = performance.now();
    thread = process.threadCpuUsage();
  }
  begin.run();
  for (let index = 0; index < perBatch; index += 1) {
    revision += 1;
    const key = names[revision % keys] ?? '';
    insert.run(revision, 'configmaps', key, previousOf.get('configmaps', key) ?? null, value);
    point.run('configmaps', key, revision);
  }
  setRevision.run(revision);
  commit.run();
}
const seconds = (performance.now() - started) / 1_000;
const { user, system } = process.threadCpuUsage(thread);
database.close();
parentPort?.postMessage({ seconds, processorMs: (user + system) / 1_000 });
