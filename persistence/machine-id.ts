// Whose data this is. A random 128-bit id lies in each data directory; a directory that has files but no id is somebody
// else's and is left alone. Not /etc/machine-id: cloned virtual machines share that one.
import { randomBytes } from 'node:crypto';
import { link, open, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ForeignDataError } from './errors.ts';
import { makeDirectoryDurably, syncDirectory } from './sync-directory.ts';

declare const machineIdBrand: unique symbol;

/** 32 lower-case hexadecimal characters. */
export type MachineId = string & { readonly [machineIdBrand]: true };

const FILE = 'machine-id';
const TEMPORARY = '.machine-id.new';
/** What may lie in a fresh directory: a pid file written before us, an interrupted start of ours, a mount point's own folder. */
const HARMLESS = new Set(['windlass.pid', TEMPORARY, 'lost+found']);

/** Turns text into a MachineId, or gives undefined when it is none. */
export function parseMachineId(text: string): MachineId | undefined {
  const trimmed = text.trim();
  return /^[0-9a-f]{32}$/.test(trimmed) ? (trimmed as MachineId) : undefined;
}

/**
 * Reads the id of `dataDir`, or creates the directory (0700) and the id when there is none yet.
 *
 * @throws ForeignDataError for a directory with files but no id, for an id that is none, and where access is denied
 */
export async function openMachineId(dataDir: string): Promise<MachineId> {
  try {
    makeDirectoryDurably(dataDir, 0o700);
    return (await read(dataDir)) ?? (await create(dataDir));
  } catch (error) {
    if (error instanceof ForeignDataError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ForeignDataError(
      `Cannot use data directory ${dataDir}: ${code}; it must be a directory that this user may read and write`,
      { cause: error },
    );
  }
}

async function read(dataDir: string): Promise<MachineId | undefined> {
  let text: string;
  try {
    text = await readFile(join(dataDir, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const id = parseMachineId(text);
  if (id === undefined) {
    throw new ForeignDataError(
      `Cannot use data directory ${dataDir}: ${FILE} does not hold 32 hexadecimal characters; restore it or choose another directory`,
    );
  }
  return id;
}

async function create(dataDir: string): Promise<MachineId> {
  const found = (await readdir(dataDir)).filter((name) => !HARMLESS.has(name)).toSorted();
  if (found.length > 0) {
    throw new ForeignDataError(
      `Cannot use data directory ${dataDir}: it holds ${found.slice(0, 3).join(', ')} but no ${FILE}, so it is not one of ours; choose an empty or new directory`,
    );
  }
  const temporary = join(dataDir, TEMPORARY);
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(16).toString('hex')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // link() is atomic and never replaces: of two starts at once, both end up with the same id.
  await link(temporary, join(dataDir, FILE)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(temporary, { force: true });
  await syncDirectory(dataDir);
  const id = await read(dataDir);
  if (id === undefined) {
    throw new ForeignDataError(
      `Cannot use data directory ${dataDir}: ${FILE} vanished right after it was written`,
    );
  }
  return id;
}
