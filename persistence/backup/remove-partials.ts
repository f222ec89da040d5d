// Removes what backups that were killed have left in a folder, under whatever name. Never what somebody may still be writing, and never what
// does not say that a backup wrote it.
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Whose process cannot be asked for (another machine's, a container's): untouched for so long it is nobody's. */
const ABANDONED_MS = 24 * 3_600_000;

/** Unmarked: nothing says that a backup wrote it. */
export type Owner = 'Alive' | 'Gone' | 'Unknown' | 'Unmarked';

const PARTIAL = /^\..+\.([0-9a-z-]+)\.partial$/;

/** The name of a file while it is written; `unique` says by whom. */
export function partialPath(path: string, unique: string): string {
  return join(dirname(path), `.${basename(path)}.${unique}.partial`);
}

/**
 * @param path of the backup that is about to be written
 * @param ownerOf tells from the `unique` of a file whether its writer lives
 * @param now milliseconds since the Unix epoch
 * @returns the names that are gone; what cannot be removed stays, and is no reason to make no backup
 */
export async function removePartials(
  path: string,
  ownerOf: (unique: string) => Owner,
  now: number,
): Promise<readonly string[]> {
  const folder = dirname(resolve(path));
  const names = await readdir(folder).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    const unique = PARTIAL.exec(name)?.[1];
    if (unique === undefined) continue;
    const owner = ownerOf(unique);
    if (owner === 'Alive' || owner === 'Unmarked') continue;
    try {
      const file = join(folder, name);
      const { mtimeMs } = await stat(file);
      if (owner === 'Unknown' && now - mtimeMs < ABANDONED_MS) continue;
      await rm(file);
      removed.push(name);
    } catch {
      // Another one was faster, or may not be touched.
    }
  }
  return removed;
}
