// One process of a node: started so that it outlives whoever started it, known again by its pid and the moment it began, and never
// there twice.
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { InfrastructureError } from '../errors.ts';

/**
 * Writes down who it is before it becomes the node: whoever started it may be gone by then. The lock stays with the node, so that a
 * second one ends at once; 75 is "try again later" of sysexits.h.
 */
const BECOME = `
command -v flock >/dev/null || { echo 'flock of util-linux is not there' >&2; exit 69; }
exec 9>"$0/lock"
flock -n 9 || exit 75
read -r line </proc/self/stat
printf '%s\\n' "$line" >"$0/process.new"
mv "$0/process.new" "$0/process"
exec "$@"`;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const POLL_MS = 25;
const LOCKED = 75;
const LOCK_PATIENCE_MS = 10_000;

export interface ProcessSpec {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a process is known by: pids come again, the moment it began does not. */
interface Identity {
  readonly pid: number;
  /** Clock ticks after the machine started. */
  readonly startTime: string;
}

/** Whether the node of this folder runs; one that ended and was not waited for does not. */
export async function isRunning(folder: string): Promise<boolean> {
  return (await runningOf(folder)) !== undefined;
}

/** Whether it was ever started. */
export async function wasStarted(folder: string): Promise<boolean> {
  return (await readText(join(folder, 'process'))) !== undefined;
}

/** Resolves when it runs. @throws InfrastructureError when it ended at once, with the end of its log */
export async function startProcess(
  folder: string,
  { command, environment }: ProcessSpec,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (await isRunning(folder)) return;
  signal.throwIfAborted();
  const log = await open(join(folder, 'log'), 'a');
  try {
    const child = spawn('/bin/sh', ['-c', BECOME, folder, ...command], {
      cwd: join(folder, 'data'),
      detached: true,
      env: { PATH, ...environment, WINDLASS_NODE_DIRECTORY: folder },
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    let why: string | undefined;
    let hasOther = false;
    child.once('error', (error) => (why = error.message));
    child.once('exit', (code, by) => {
      hasOther = code === LOCKED;
      why = hasOther
        ? `something that an earlier one started still holds ${folder}/lock`
        : `it ended with ${by ?? `exit code ${code ?? '?'}`}`;
    });
    const giveUp = clock.monotonic() + LOCK_PATIENCE_MS;
    for (;;) {
      if (await isRunning(folder)) return;
      // Whoever was faster writes itself down in a moment.
      if (why !== undefined && (!hasOther || clock.monotonic() > giveUp)) {
        if (await isRunning(folder)) return;
        throw new InfrastructureError(
          `cannot start ${command[0] ?? ''}: ${why}${await endOfLog(folder)}`,
        );
      }
      await sleep(clock, POLL_MS, signal);
    }
  } finally {
    await log.close();
  }
}

/** Resolves when it has ended, asked first and killed after the grace; with all of its group. */
export async function stopProcess(
  folder: string,
  graceMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const first = await runningOf(folder);
  if (first === undefined) return;
  tell(first.pid, 'SIGTERM');
  const deadline = clock.monotonic() + graceMs;
  let isKilled = false;
  for (;;) {
    const now = await runningOf(folder);
    if (now?.pid !== first.pid) break;
    if (!isKilled && clock.monotonic() >= deadline) {
      isKilled = true;
      tell(first.pid, 'SIGKILL');
    }
    await sleep(clock, POLL_MS, signal);
  }
  // What it started and left behind.
  tell(first.pid, 'SIGKILL');
}

/** To the group that `detached` made; the pid was just compared, and a group's number is not given out while it has members. */
function tell(pid: number, word: NodeJS.Signals): void {
  try {
    process.kill(-pid, word);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function runningOf(folder: string): Promise<Identity | undefined> {
  const written = identityOf(await readText(join(folder, 'process')));
  if (written === undefined) return undefined;
  const stat = await readText(`/proc/${written.pid}/stat`);
  const now = identityOf(stat);
  const hasEnded = stat !== undefined && /^[ZX]/.test(fieldsOf(stat)[0] ?? '');
  return now?.startTime === written.startTime && !hasEnded ? written : undefined;
}

/** After the name in parentheses, which may hold anything. */
function fieldsOf(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function identityOf(stat: string | undefined): Identity | undefined {
  if (stat === undefined) return undefined;
  const pid = Number.parseInt(stat, 10);
  // Field 22 of proc_pid_stat(5); the third is the first after the name.
  const startTime = fieldsOf(stat)[19];
  if (!Number.isInteger(pid) || pid <= 1 || startTime === undefined) return undefined;
  return { pid, startTime };
}

async function endOfLog(folder: string): Promise<string> {
  const text = (await readText(join(folder, 'log')))?.trim() ?? '';
  return text === '' ? '' : `; the end of its log: ${text.slice(-500)}`;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: the process ended between open and read.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
