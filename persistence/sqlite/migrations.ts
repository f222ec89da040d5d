// From one format of the file to the next, in order. Each runs in one transaction after the file was copied, whole, beside
// itself: who must go back to the version before has that copy.
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { ForeignDataError } from '../errors.ts';
import { syncDirectorySync } from '../sync-directory.ts';
import { addPlaceSum } from './place-sum.ts';
import { createPrivately } from './tables.ts';

/** Brings tables and rows from the format before to the next. Runs within a transaction. */
export type Migration = (database: Database.Database) => void;

/** The first one leads from format 1 to 2. */
export const MIGRATIONS: readonly Migration[] = [addPlaceSum];

/** @throws ForeignDataError for a format that is newer than all; nothing was changed */
export function checkFormat(
  database: Database.Database,
  path: string,
  migrations: readonly Migration[],
): void {
  const known = migrations.length + 1;
  const found = formatOf(database);
  if (found >= 1 && found <= known) return;
  throw new ForeignDataError(
    `Cannot open ${path}: it has format ${found}, this program knows ${known === 1 ? 'format 1' : `formats 1 to ${known}`}; use the program version that wrote it`,
  );
}

/** Brings an open database of ours, whose format is known, to the newest. A crash leaves the format before or after. */
export function migrate(
  database: Database.Database,
  path: string,
  migrations: readonly Migration[],
): void {
  const found = formatOf(database);
  const missing = migrations.slice(found - 1);
  if (missing.length === 0) return;
  copyAside(database, path, found);
  for (const [index, migration] of missing.entries()) {
    database.transaction(() => {
      migration(database);
      database.pragma(`user_version = ${found + index + 1}`);
    })();
  }
}

function formatOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function copyAside(database: Database.Database, path: string, format: number): void {
  const copy = `${path}.format-${format}`;
  const temporary = `${copy}.new`;
  rmSync(temporary, { force: true });
  createPrivately(temporary);
  database.prepare('VACUUM INTO ?').run(temporary);
  const file = openSync(temporary, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, copy);
  syncDirectorySync(dirname(path));
}
