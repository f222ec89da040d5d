// The process of a unit on a local-dir host: detached, so that it outlives us, with a record in the folder by which the next run of
// ours knows it again. A shell in between restarts the program where the unit says so, and notes its last exit code.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jsonFields } from '#platform/json-fields.ts';
import { startTimeOf } from './process-start-time.ts';

export interface ServiceFiles {
  /** All real paths. */
  readonly record: string;
  readonly exit: string;
  readonly log: string;
}

export interface ServiceCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly restart: 'no' | 'always' | 'on-failure';
  readonly restartSeconds: number;
}

interface ServiceRecord {
  readonly pid: number;
  /** In the kernel's units since boot: with the pid it names a process for good. */
  readonly startTime: string;
}

const SUPERVISOR = `f=$1; r=$2; d=$3; shift 3
while :; do
  "$@"; c=$?; echo $c >"$f"
  case $r in always) ;; on-failure) [ $c = 0 ] && exit 0 ;; *) exit $c ;; esac
  sleep "$d"
done`;

/** Resolves once it runs, with the exit code to come. @throws what the system says when it cannot be started */
export async function startProcess(
  command: ServiceCommand,
  files: ServiceFiles,
): Promise<{ readonly ended: Promise<number> }> {
  await mkdir(dirname(files.record), { recursive: true });
  await mkdir(dirname(files.log), { recursive: true });
  await rm(files.exit, { force: true });
  const log = openSync(files.log, 'a', 0o640);
  try {
    const { program, args, restart, restartSeconds } = command;
    const child = spawn(
      '/bin/sh',
      ['-c', SUPERVISOR, 'sh', files.exit, restart, `${restartSeconds}`, program, ...args],
      {
        cwd: command.workingDirectory,
        env: command.environment,
        detached: true,
        stdio: ['ignore', log, log],
      },
    );
    const ended = new Promise<number>((resolve) => {
      child.on('exit', (code) => resolve(code ?? 137));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    const record: ServiceRecord = { pid, startTime: (await startTimeOf(pid)) ?? '' };
    await writeFile(`${files.record}.tmp`, JSON.stringify(record));
    await rename(`${files.record}.tmp`, files.record);
    return { ended };
  } finally {
    closeSync(log);
  }
}

/** The id of the process and of its group while it runs. */
export async function runningPid({ record }: ServiceFiles): Promise<number | undefined> {
  const found = await readRecord(record);
  if (found === undefined) return undefined;
  return (await startTimeOf(found.pid)) === found.startTime ? found.pid : undefined;
}

/** The last exit code of the program; undefined: it has not ended since its start. */
export async function lastExit({ exit }: ServiceFiles): Promise<number | undefined> {
  const text = await readFile(exit, 'utf8').catch(() => '');
  return /^\d+\n$/.test(text) ? Number(text) : undefined;
}

async function readRecord(path: string): Promise<ServiceRecord | undefined> {
  const fields = jsonFields(await readFile(path, 'utf8').catch(() => ''));
  const { pid, startTime } = (fields ?? {}) as Partial<ServiceRecord>;
  if (typeof pid !== 'number' || pid < 2 || typeof startTime !== 'string') return undefined;
  return { pid, startTime };
}
