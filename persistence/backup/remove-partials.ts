// Removes what backups that were killed have left beside a file of the same name. Never what somebody may still be writing.
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Whose process cannot be asked for (another machine's, a container's): untouched for so long it is nobody's. */
const ABANDONED_MS = 24 * 3_600_000;

export type Owner = 'Alive' | 'Gone' | 'Unknown';

/** The name of a file while it is written; `unique` says by whom. */
export function partialPath(path: string, unique: string): string {
  return join(dirname(path), `.${basename(path)}.${unique}.partial`);
}

/**
 * @param ownerOf tells from the `unique` of a file whether its writer lives
 * @param now milliseconds since the Unix epoch
 * @returns the names that are gone; what cannot be removed stays, and is no reason to make no backup
 */
export async function removePartials(
  path: string,
  ownerOf: (unique: string) => Owner,
  now: number,
): Promise<readonly string[]> {
  const absolute = resolve(path);
  const folder = dirname(absolute);
  const [start, end] = partialPath(absolute, '\0')
    .slice(folder.length)
    .replace(/^\//, '')
    .split('\0');
  const names = await readdir(folder).catch(() => []);
  const removed: string[] = [];
  for (const name of names) {
    if (start === undefined || end === undefined) break;
    if (!name.startsWith(start) || !name.endsWith(end)) continue;
    const unique = name.slice(start.length, -end.length);
    // Of a backup with a longer name.
    if (!/^[0-9a-z-]+$/.test(unique)) continue;
    const owner = ownerOf(unique);
    if (owner === 'Alive') continue;
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
