// One process at a time per database, by a file beside it that never goes away. SQLite's own lock is not enough: it is on the
// file's content, and who waits for it while another file takes the name gets the lock of what is no longer there, and with
// it the write-ahead log of what is.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StorageFailedError } from '../errors.ts';
import { makeDirectoryDurably } from '../sync-directory.ts';
import { createPrivately } from './tables.ts';

const TIMEOUT_MS = 1_000;

/**
 * Holds the lock until disposed, or until the process ends.
 *
 * @throws SQLite's error: SQLITE_BUSY when it is held elsewhere; StorageFailedError for what is no file, beside which nothing is made
 */
export function lockFile(path: string): Disposable {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    const what = found.isDirectory() ? 'a folder' : 'no regular file';
    throw new StorageFailedError(`Cannot use ${path}: it is ${what}; give the path of a file`);
  }
  const lock = `${path}.lock`;
  makeDirectoryDurably(dirname(path), 0o700);
  createPrivately(lock);
  const database = new Database(lock, { timeout: TIMEOUT_MS });
  try {
    // Nothing is ever written: the file stays empty.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw error;
  }
  return { [Symbol.dispose]: () => void database.close() };
}
