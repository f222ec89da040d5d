// A database that is made beside the one in use, to take its place whole. Nothing of it matters before finish(): it is
// written without any care for crashes, then synced once.
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Cursor, LogRecord } from '../provider.ts';
import { nothing } from './failpoints.ts';
import { LogDatabase } from './log-database.ts';
import { createPrivately, createTables, formatFile } from './tables.ts';

export class SideFile {
  readonly path: string;
  readonly #database: Database.Database;
  readonly #log: LogDatabase;

  /** Starts an empty one; what an interrupted run left there is removed. */
  static create(path: string): SideFile {
    remove(path);
    createPrivately(path);
    return new SideFile(path);
  }

  private constructor(path: string) {
    this.path = path;
    this.#database = new Database(path);
    formatFile(this.#database);
    this.#database.pragma('journal_mode = OFF');
    this.#database.pragma('synchronous = OFF');
    createTables(this.#database);
    this.#log = new LogDatabase(this.#database, path);
  }

  add(records: readonly LogRecord[]): void {
    this.#log.load(records);
  }

  /** Gives it its place in history and makes it durable. Not open afterwards. */
  finish(cursor: Cursor & { readonly machine: string }, at = nothing): void {
    this.#log.place(cursor);
    this.#database.close();
    at('before-replacement-sync');
    const file = openSync(this.path, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    at('after-replacement-sync');
  }

  /** Removes it, unless it has been renamed. */
  discard(): void {
    this.#database.close();
    remove(this.path);
  }
}

function remove(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}
