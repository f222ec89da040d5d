// The data directory: makes it, refuses a folder that is not ours, and lets one process at a time use it.
import {
  accessSync,
  constants,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeDirectory } from '#platform/make-directory.ts';
import { processStart } from './process-start.ts';
import { CommandError } from './usage-error.ts';

/** Entries that only a data directory of ours has. */
const OURS = ['machine-id', 'windlass.pid', 'state.db', 'pki', 'node'];

export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  readonly pidFile: string;
  readonly adminKubeconfig: string;
}

/** Where things are in a data directory, whether it exists or not. */
export function dataDirectoryAt(path: string): DataDirectory {
  const absolute = resolve(path);
  return {
    path: absolute,
    pidFile: join(absolute, 'windlass.pid'),
    adminKubeconfig: join(absolute, 'admin.kubeconfig'),
  };
}

/**
 * Makes the folder (0700) where there is none.
 *
 * @throws CommandError when it cannot be used or holds something else
 */
export function prepareDataDirectory({ path }: DataDirectory): void {
  const other = 'Choose another with --data-dir.';
  let entries: readonly string[];
  try {
    makeDirectory(path, 0o700);
    if (!statSync(path).isDirectory())
      throw new CommandError(`--data-dir ${path} is a file, not a folder`, other);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    entries = readdirSync(path);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new CommandError(`--data-dir ${path} is a file, not a folder`, other, { cause: error });
    throw new CommandError(
      `--data-dir ${path} cannot be read and written: ${(error as Error).message}`,
      `Mend its permissions, or choose another with --data-dir.`,
      { cause: error },
    );
  }
  if (entries.length > 0 && !entries.some((entry) => OURS.includes(entry))) {
    const shown = entries.slice(0, 3).join(', ');
    throw new CommandError(
      `--data-dir ${path} holds other files (${shown}${entries.length > 3 ? ' …' : ''}) and no state of Windlass`,
      'Choose an empty or a new folder with --data-dir.',
    );
  }
}

/** The process that uses the directory now, if any. */
export function servingPid({ pidFile }: DataDirectory): number | undefined {
  let text: string;
  let writtenAt: number;
  try {
    text = readFileSync(pidFile, 'utf8');
    writtenAt = statSync(pidFile).mtimeMs;
  } catch {
    return undefined;
  }
  const pid = /^\d{1,10}\s*$/.test(text) ? Number(text) : 0;
  if (pid === 0 || pid === process.pid) return undefined;
  const startedAt = processStart(pid);
  // After a crash the id may be another's by now: one that started after the file was written. 2 s for the clock's grain.
  return startedAt === undefined || startedAt > writtenAt + 2_000 ? undefined : pid;
}

/**
 * Writes our process id. Returns how to give the directory back.
 *
 * @throws CommandError that names the process which has it
 */
export function lockDataDirectory(directory: DataDirectory): () => void {
  const { pidFile, path } = directory;
  const own = `${pidFile}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; ; attempt++) {
      const pid = servingPid(directory);
      if (pid !== undefined || attempt === 5) throw inUse(path, pid);
      removeStale(pidFile, `${own}.stale`);
      // A link is there with its content or not at all, and never replaces another's.
      if (tryLink(own, pidFile)) break;
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    try {
      if (readFileSync(pidFile, 'utf8').trim() === String(process.pid)) rmSync(pidFile);
    } catch {
      // Somebody removed it, or the folder: there is nothing left to give back.
    }
  };
}

function inUse(path: string, pid: number | undefined): CommandError {
  return pid === undefined
    ? new CommandError(`${path} is being taken by another start`, 'Try again.')
    : new CommandError(
        `${path} is in use by process ${pid}`,
        `Stop it first (kill ${pid}), or choose another folder with --data-dir.`,
      );
}

/** Moves the file of a dead process aside; one that another start wrote in the meantime is put back. */
function removeStale(pidFile: string, aside: string): void {
  try {
    const stale = readFileSync(pidFile, 'utf8');
    renameSync(pidFile, aside);
    if (readFileSync(aside, 'utf8') !== stale) tryLink(aside, pidFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new CommandError(
      `--data-dir ${dirname(to)} cannot be locked: ${message}`,
      'It needs a file system with hard links; choose another with --data-dir.',
      { cause: error },
    );
  }
}
