// Putting another file in a database's place, by whoever holds its lock (file-lock.ts). The one that goes leaves write-ahead
// logging first: SQLite would apply a log that was left behind to whatever database lies beside it.
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { StorageFailedError } from '../errors.ts';
import { nothing } from './failpoints.ts';
import type { AtFailpoint } from './failpoints.ts';
import { SideFile } from './side-file.ts';
import { syncDirectorySync } from '../sync-directory.ts';

/** What an empty log takes over from the one that goes. */
export interface Place {
  readonly epoch: number;
  readonly revision: number;
  readonly machine: string;
}

/** Ends of names: of a log that is being restored, of the empty one that waits while another is put aside. */
const RESTORING = '.restoring';
const EMPTY = '.empty';

/** Puts the finished file at `next` in the place of an open database. Afterwards that one must be closed. */
export function replaceDatabase(
  database: Database.Database | undefined,
  path: string,
  next: string,
  at: AtFailpoint,
): void {
  if (database === undefined)
    throw new StorageFailedError(`Cannot replace ${path}: it is not open`);
  leaveWal(database, path);
  syncDirectorySync(dirname(path));
  at('before-replacement-rename');
  renameSync(next, path);
  at('after-replacement-rename');
  syncDirectorySync(dirname(path));
}

/**
 * Renames the database away and puts an empty one at the same epoch in its place. A crash in between is finished by
 * finishMoveAside().
 *
 * @param database open, or undefined for one that cannot be opened; closed afterwards
 * @param known of one that is open
 * @returns the new path
 */
export function moveAside(
  database: Database.Database | undefined,
  path: string,
  known: Place | undefined,
  at: AtFailpoint,
): string {
  const { epoch, revision, machine } = known ?? readPlace(path);
  const aside = freeName(`${path}.aside-e${epoch}-r${revision}`);
  const side = SideFile.create(aside + EMPTY);
  side.finish({ epoch, revision: 0, compacted: 0, machine });
  at('empty-made');
  if (database !== undefined) {
    try {
      leaveWal(database, path);
    } catch {
      // Damaged: then its log goes with it.
    }
  }
  at('before-aside-rename');
  renameSync(path, aside);
  at('after-aside-rename');
  database?.close();
  complete(path, aside, at);
  return aside;
}

/** Finishes what moveAside() began, where the process that did it died. */
export function finishMoveAside(path: string): void {
  if (existsSync(path)) return;
  const [empty] = leftovers(path).filter((file) => file.endsWith(EMPTY));
  if (empty !== undefined) complete(path, empty.slice(0, -EMPTY.length), nothing);
}

/** Removes files that an interrupted restore or moveAside() left. */
export function removeLeftovers(path: string): void {
  for (const file of leftovers(path)) rmSync(file, { force: true });
}

function complete(path: string, aside: string, at: AtFailpoint): void {
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
  rmSync(`${path}-shm`, { force: true });
  syncDirectorySync(dirname(path));
  at('before-empty-rename');
  renameSync(aside + EMPTY, path);
  at('after-empty-rename');
  syncDirectorySync(dirname(path));
}

/** Brings everything into the database file and ends with no log beside it. */
function leaveWal(database: Database.Database, path: string): void {
  const mode = database.pragma('journal_mode = DELETE', { simple: true });
  if (mode !== 'delete' || existsSync(`${path}-wal`)) {
    throw new StorageFailedError(
      `Cannot replace ${path}: its write-ahead log stays (journal_mode ${String(mode)})`,
    );
  }
  // In exclusive mode SQLite keeps it, emptied.
  rmSync(`${path}-journal`, { force: true });
}

/** What a database says about itself that is too damaged to be opened; zeros where it says nothing. */
function readPlace(path: string): Place {
  try {
    const database = new Database(path, { readonly: true });
    try {
      const meta = database.prepare<[string]>('SELECT value FROM meta WHERE name = ?').pluck();
      const machine = meta.get('machine');
      return {
        epoch: Number(meta.get('epoch') ?? 0),
        revision: Number(meta.get('revision') ?? 0),
        machine: typeof machine === 'string' ? machine : '',
      };
    } finally {
      database.close();
    }
  } catch {
    return { epoch: 0, revision: 0, machine: '' };
  }
}

function freeName(wanted: string): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!existsSync(name)) return name;
  }
}

function leftovers(path: string): string[] {
  const own = basename(path);
  return readdirSync(dirname(path))
    .filter(
      (name) =>
        name.startsWith(own + RESTORING) ||
        (name.startsWith(`${own}.aside-`) && name.endsWith(EMPTY)),
    )
    .map((name) => join(dirname(path), name));
}
