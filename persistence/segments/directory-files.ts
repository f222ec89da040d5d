// Files of a directory store, synchronously: these calls run in a thread of their own, where a file server that hangs stops
// nobody else. (The asynchronous ones share four threads among the whole process.) Each call starts from the path: nothing is
// kept open between two, so that a re-exported file system is met anew.
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { syncDirectorySync } from '../sync-directory.ts';
import { codeOf } from './directory-failure.ts';

/** Called at named points of a write, where tests kill or fail it. */
export type Checkpoint = (point: string) => void;

/**
 * Makes the folders of a path that are missing, each durable, down from `root`, which exists.
 *
 * @param durable those that are known to be: one that is there may be of somebody who died before that
 */
export function makeFolders(root: string, folder: string, durable: Set<string>): void {
  if (folder === root || durable.has(folder)) return;
  const parent = dirname(folder);
  makeFolders(root, parent, durable);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process, or a cached look-up that was wrong.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  syncDirectorySync(parent);
  durable.add(folder);
}

/** A new file with these bytes, durable but for its directory entry. Nothing is left when it fails. */
export function writeTemporary(path: string, body: Uint8Array, at: Checkpoint): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    at('before-write');
    let offset = 0;
    while (offset < body.length) offset += writeSync(file, body, offset);
    at('before-fsync');
    // Never again after an error: Linux may have dropped the pages, and a second one would succeed without them.
    fsyncSync(file);
    at('after-fsync');
  } catch (error) {
    closeQuietly(file);
    removeQuietly(path);
    throw error;
  }
  // NFS may say only here that a write failed.
  try {
    closeSync(file);
  } catch (error) {
    removeQuietly(path);
    throw error;
  }
}

/**
 * Gives a durable temporary file its name if nothing has it: link(2) is atomic on NFS too, where O_EXCL is not always.
 *
 * @returns whether the name is ours now
 */
export function linkExclusively(temporary: string, path: string, at: Checkpoint): boolean {
  let isOurs = true;
  try {
    at('before-link');
    linkSync(temporary, path);
  } catch (error) {
    // Over NFS the reply to a link that was made can get lost, and the repetition finds the name taken. Two names of one
    // file tell.
    isOurs = lstatSync(temporary).nlink === 2;
    if (!isOurs && codeOf(error) !== 'EEXIST') {
      removeQuietly(temporary);
      throw error;
    }
  }
  at('after-link');
  removeQuietly(temporary);
  // Also when it is another's: what we go on to rely on must be durable, whoever was about to see to it.
  syncDirectorySync(dirname(path));
  at('after-directory-fsync');
  return isOurs;
}

/** Puts a durable temporary file in the place of what has the name. */
export function replaceBy(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  }
  syncDirectorySync(dirname(path));
}

/** The whole file, read through a descriptor of its own (close-to-open consistency); undefined when there is none. */
export function readWhole(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
  // An NFS client may remember from before that the name was free. Reading the directory asks the server.
  if (!isListed(path)) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isListed(path: string): boolean {
  const folder = dirname(path);
  const name = path.slice(folder.length + 1);
  return entriesOf(folder).some((entry) => entry.name === name);
}

/** Files below a folder at any depth, as paths relative to it; temporary ones left out. */
export function filesBelow(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    if (entry.name.startsWith('.')) return [];
    if (!entry.isDirectory()) return [entry.name];
    return filesBelow(join(folder, entry.name)).map((name) => `${entry.name}/${name}`);
  });
}

/** Entries of a folder; none when it is not there. */
export function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Removes a file, durably, and the folders above it that are empty then, up to `root`. */
export function removeFile(root: string, path: string): void {
  const folder = dirname(path);
  try {
    rmSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    return;
  }
  syncDirectorySync(folder);
  removeEmptyFolders(root, folder);
}

function removeEmptyFolders(root: string, folder: string): void {
  if (folder === root) return;
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or somebody else was faster.
    return;
  }
  removeEmptyFolders(root, dirname(folder));
}

export function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A left temporary file is cleaned up later.
  }
}

function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // Its write has failed already.
  }
}
