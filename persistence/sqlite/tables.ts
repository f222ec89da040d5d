// The tables, and a file for them. Values lie once, in `log`; `live` says which row of it is an object's present state.
// `log.previous` is the row that a change supersedes: compaction follows it.
import { closeSync, openSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { placeSum } from './place-sum.ts';

/** "WNDL" in the file's header, so that `file` and we can tell it from other SQLite files. */
export const APPLICATION_ID = 0x57_4e_44_4c;
/** Of a file that is made now: one more than there are MIGRATIONS. */
const USER_VERSION = 2;

const DDL = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,
    previous INTEGER, value BLOB, crc INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE live (
    kind TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('epoch', 0), ('revision', 0), ('compacted', 0), ('machine', ''), ('clean', 1),
    ('sum', ${placeSum({ epoch: 0, revision: 0, compacted: 0, machine: '' })});
`;

/** Ours alone from the first moment; SQLite gives the WAL the same mode. An existing file is not touched. */
export function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    // Not opened and closed when it exists: closing any descriptor of a file drops this process's POSIX locks on it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** What must be said before anything is in the file. */
export function formatFile(database: Database.Database): void {
  database.pragma('page_size = 8192');
  database.pragma('auto_vacuum = INCREMENTAL');
}

export function createTables(database: Database.Database): void {
  database.transaction(() => {
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${USER_VERSION}`);
    database.exec(DDL);
  })();
}
