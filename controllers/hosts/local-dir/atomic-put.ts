// Replaces a file all at once: written beside the target under another name, synced, compared, renamed, the folder synced.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { piecesOf } from '../host-content.ts';
import type { HostContent } from '../host-content.ts';
import type { PutOptions } from '../host-driver.ts';
import { DigestMismatchError } from '../host-errors.ts';
import { DEFAULT_FILE_MODE, STALE_TEMPORARY_MS, TEMPORARY_MARK } from '../host-rules.ts';

/**
 * @param path a real path of this machine
 * @param name how errors name the file
 * @returns its SHA-256
 * @throws DigestMismatchError, or what the file system says; the target is as it was and no temporary file is left
 */
export async function atomicPut(
  path: string,
  name: string,
  content: HostContent,
  options: PutOptions,
  { clock, ids }: { readonly clock: Clock; readonly ids: IdSource },
): Promise<string> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await removeStale(path, clock);
  const temporary = `${path}${TEMPORARY_MARK}${ids.hex(16)}`;
  try {
    const found = await writeTemporary(temporary, content, options);
    if (options.sha256 !== undefined && options.sha256 !== found)
      throw new DigestMismatchError(name, options.sha256, found);
    await rename(temporary, path);
    await syncFolder(folder);
    return found;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeTemporary(
  temporary: string,
  content: HostContent,
  options: PutOptions,
): Promise<string> {
  const { signal, mode = DEFAULT_FILE_MODE, modifiedMillis } = options;
  const hash = createHash('sha256');
  const file = await open(temporary, 'wx', 0o600);
  try {
    for await (const piece of piecesOf(content, signal)) {
      hash.update(piece);
      await file.writeFile(piece);
    }
    await file.chmod(mode);
    if (modifiedMillis !== undefined)
      await file.utimes(modifiedMillis / 1000, modifiedMillis / 1000);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what a process left that was killed while it wrote this file. */
async function removeStale(path: string, clock: Clock): Promise<void> {
  const start = `${basename(path)}${TEMPORARY_MARK}`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(start)) continue;
    const left = join(dirname(path), name);
    const found = await stat(left).catch(() => undefined);
    if (found !== undefined && clock.now() - found.mtimeMs > STALE_TEMPORARY_MS)
      await rm(left, { force: true });
  }
}
