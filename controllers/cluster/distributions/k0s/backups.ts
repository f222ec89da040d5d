// Backups of a controller on its own host: one folder for each version that was left, and no more files than are to be kept.
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { HostCommandError } from '../../../hosts/host-errors.ts';
import { BACKUPS } from './commands.ts';

interface Backup {
  readonly path: string;
  readonly folder: string;
  readonly modifiedMillis: number;
}

/** The newest of a folder. @throws HostCommandError when there is none */
export async function newestBackup(
  host: HostDriver,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const newest = (await backupsIn(host, folder, signal)).at(0);
  if (newest === undefined)
    throw new HostCommandError(`k0s backup left nothing in ${folder} of ${host.name}`);
  return newest.path;
}

/** Of all versions together the newest `kept` stay; 0: all of them. Other files are nobody's business here. */
export async function pruneBackups(
  host: HostDriver,
  kept: number,
  signal: AbortSignal,
): Promise<void> {
  if (kept === 0) return;
  const folders = ((await host.list(BACKUPS, signal)) ?? []).map((name) => `${BACKUPS}/${name}`);
  const found = await Promise.all(folders.map((folder) => backupsIn(host, folder, signal)));
  const old = found.flat().toSorted(newestFirst).slice(kept);
  for (const { path } of old) await host.remove(path, signal);
  for (const folder of new Set(old.map((backup) => backup.folder)))
    if ((await host.list(folder, signal))?.length === 0) await host.remove(folder, signal);
}

/** Newest first. */
async function backupsIn(
  host: HostDriver,
  folder: string,
  signal: AbortSignal,
): Promise<readonly Backup[]> {
  if ((await host.stat(folder, signal))?.kind !== 'directory') return [];
  const backups: Backup[] = [];
  for (const name of (await host.list(folder, signal)) ?? []) {
    if (!name.endsWith('.tar.gz')) continue;
    const path = `${folder}/${name}`;
    const found = await host.stat(path, signal);
    if (found?.kind === 'file')
      backups.push({ path, folder, modifiedMillis: found.modifiedMillis });
  }
  return backups.toSorted(newestFirst);
}

/** Names have the time in them: of the same moment the later name is the newer. */
function newestFirst(left: Backup, right: Backup): number {
  const byTime = right.modifiedMillis - left.modifiedMillis;
  return byTime === 0 ? (left.path < right.path ? 1 : -1) : byTime;
}
