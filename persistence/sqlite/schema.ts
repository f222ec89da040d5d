// Settings of the database file, and the checks before it is used.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { CorruptDataError, ForeignDataError, StorageFailedError } from '../errors.ts';
import { nothing } from './failpoints.ts';
import { checkFormat, migrate, MIGRATIONS } from './migrations.ts';
import type { Migration } from './migrations.ts';
import { placeSum, textOf } from './place-sum.ts';
import { syncDirectorySync } from '../sync-directory.ts';
import { APPLICATION_ID, createPrivately, createTables, formatFile } from './tables.ts';
import { checkWriteAheadLog } from './write-ahead-log.ts';

const OPEN_TIMEOUT_MS = 1_000;

/**
 * Opens or creates the file, whose lock the caller holds, and proves that commits will be durable.
 *
 * @throws ForeignDataError, CorruptDataError, StorageFailedError, and SQLite's own errors (busy, cannot open, full)
 */
export function openDatabase(
  path: string,
  migrations: readonly Migration[] = MIGRATIONS,
  at = nothing,
): Database.Database {
  const directory = dirname(path);
  createPrivately(path);
  at('file-made');
  checkWriteAheadLog(path);
  const database = new Database(path, { timeout: OPEN_TIMEOUT_MS });
  try {
    // Before anything is read: with it the WAL index lives in memory and a second process is refused at its first read.
    database.pragma('locking_mode = EXCLUSIVE');
    const isNew = identify(database, path);
    if (!isNew) checkFormat(database, path, migrations);
    configure(database, isNew);
    if (isNew) createTables(database);
    at('tables-made');
    checkAfterCrash(database, path);
    migrate(database, path, migrations);
    checkCounts(database, path);
    // The first write. Only now do the settings read back as they will be used.
    at('before-opened');
    database.exec(`UPDATE meta SET value = 0 WHERE name = 'clean'`);
    at('after-opened');
    readBack(database, path);
    // Emptied, of a process that died while it took another file's place (replacement.ts). With write-ahead logging nobody needs it.
    rmSync(`${path}-journal`, { force: true });
    syncDirectorySync(directory);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** True when there is nothing in the file yet. */
function identify(database: Database.Database, path: string): boolean {
  const application = database.pragma('application_id', { simple: true });
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (application === 0 && tables === 0) return true;
  if (application !== APPLICATION_ID) {
    throw new ForeignDataError(
      `Cannot open ${path}: it is a SQLite database of another application; choose another path`,
    );
  }
  return false;
}

function configure(database: Database.Database, isNew: boolean): void {
  if (isNew) formatFile(database);
  database.pragma('journal_mode = WAL');
  // After journal_mode: this build of SQLite is compiled to fall to NORMAL in WAL mode, which loses commits at a power cut.
  database.pragma('synchronous = FULL');
  // Where fsync does not reach the platter (macOS); nothing elsewhere.
  database.pragma('fullfsync = 1');
  database.pragma('checkpoint_fullfsync = 1');
  // A transaction's pages reach the log in one go and in order: write-ahead-log.ts counts on it.
  database.pragma('cache_spill = OFF');
  // Checkpoints run between batches, see checkpoints.ts.
  database.pragma('wal_autocheckpoint = 0');
}

function checkAfterCrash(database: Database.Database, path: string): void {
  const clean = database.prepare(`SELECT value FROM meta WHERE name = 'clean'`).pluck().get();
  if (clean === 1) return;
  const verdict = database.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw damaged(path, String(verdict).replaceAll(/\s+/g, ' '));
  // A torn end of the log would otherwise lie behind what is written next.
  database.pragma('wal_checkpoint(TRUNCATE)');
}

/** What the database says of itself must be what was written, and agree with what is there. */
function checkCounts(database: Database.Database, path: string): void {
  const count = database.prepare<[string]>('SELECT value FROM meta WHERE name = ?').pluck();
  const [epoch, revision, compacted, sum] = ['epoch', 'revision', 'compacted', 'sum'].map((name) =>
    Number(count.get(name)),
  ) as [number, number, number, number];
  const machine = textOf(count.get('machine'));
  const newest = database.prepare('SELECT ifnull(max(revision), 0) FROM log').pluck().get();
  if (
    Number.isSafeInteger(epoch) &&
    Number.isSafeInteger(revision) &&
    Number.isSafeInteger(compacted) &&
    Number(newest) <= revision &&
    compacted <= revision &&
    sum === placeSum({ epoch, revision, compacted, machine })
  ) {
    return;
  }
  throw damaged(
    path,
    `revision ${String(newest)} is its newest, and it says of itself epoch ${epoch}, revision ${revision}, compacted ${compacted}, with the checksum ${sum}`,
  );
}

function damaged(path: string, why: string): CorruptDataError {
  return new CorruptDataError(
    `Cannot open ${path}: it is damaged (${why}); restore it from a backup or a replica`,
  );
}

function readBack(database: Database.Database, path: string): void {
  const wanted = {
    synchronous: 2,
    journal_mode: 'wal',
    locking_mode: 'exclusive',
    wal_autocheckpoint: 0,
  };
  for (const [setting, value] of Object.entries(wanted)) {
    const found = database.pragma(setting, { simple: true });
    if (found !== value) {
      throw new StorageFailedError(
        `Cannot use ${path}: SQLite has ${setting} = ${String(found)} where ${value} was set; commits would not be safe`,
      );
    }
  }
}
