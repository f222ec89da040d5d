// Folders at paths that a user chose. Node's own recursive mkdir never returns where a file system answers "no such file" below a
// folder that exists, as /proc does (seen with Node 26.10: it makes the parent, which is there, and tries again for ever).
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes the folder and those above it that are missing; nothing when it exists.
 *
 * @param mode of what is made; 0o777 less the umask by default
 * @throws the operating system's error (EACCES, ENOTDIR, EEXIST for a file in its place, ENOENT …)
 */
export function makeDirectory(path: string, mode?: number): void {
  const missing: string[] = [];
  let folder = resolve(path);
  while (!exists(folder)) {
    missing.unshift(folder);
    folder = dirname(folder);
  }
  if (missing.length === 0) mkdirIfAbsent(folder, mode);
  for (const each of missing) mkdirIfAbsent(each, mode);
}

/** Somebody else may have made it meanwhile. */
function mkdirIfAbsent(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, mode === undefined ? {} : { mode });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST' || path === dirname(path);
    if (isThere && isDirectory(path)) return;
    throw error;
  }
}

function exists(path: string): boolean {
  // lstat: a link that leads nowhere is in the way, not missing. What may not be looked at is for mkdir to complain of.
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
