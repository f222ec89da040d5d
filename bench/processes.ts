// Starts the servers of a benchmark as processes of their own, on the first processor where `taskset` can pin them,
// so that the load client on the other one does not take their time.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

export const root = path.dirname(import.meta.dirname);

const pin: readonly string[] =
  availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0
    ? ['taskset', '-c', '0']
    : [];

/** A command on the processor of the servers. */
export function pinned(command: readonly string[]): readonly string[] {
  return [...pin, ...command];
}

/** Keeps this process, and what it starts unpinned, off the processor of the servers until it is disposed of. */
export function besideServers(): Disposable {
  const pid = String(process.pid);
  const before = /: (\S+)\s*$/.exec(
    spawnSync('taskset', ['-cp', pid]).stdout?.toString() ?? '',
  )?.[1];
  const move = (processors: string): void =>
    void spawnSync('taskset', ['-acp', processors, pid], { stdio: 'ignore' });
  if (pin.length > 0) move(`1-${availableParallelism() - 1}`);
  return {
    [Symbol.dispose]() {
      if (pin.length > 0 && before !== undefined) move(before);
    },
  };
}

/** How the servers and the client share the processors, for the record. */
export const pinning = pin.length > 0 ? 'servers on processor 0' : 'servers not pinned';

export interface RunningServer extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What the line that started with the marker said after it. */
  readonly announcement: string;
  /** Milliseconds from spawn to the announcement. */
  readonly announcedAfterMs: number;
}

/** Spawns a Node program and waits for the first line on its standard output that starts with `marker`. */
export async function startServer(
  program: readonly string[],
  marker: string,
  options: {
    readonly pinned?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<RunningServer> {
  const pinned = options.pinned === false ? [] : pin;
  const command = [...pinned, process.execPath, ...program];
  const started = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors = (errors + data.toString()).slice(-4000)));
  const announcement = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith(marker)) resolve(line.slice(marker.length).trim());
    });
    child.once('exit', (code) => reject(new Error(`${program[0]} ended with ${code}: ${errors}`)));
  });
  const announcedAfterMs = performance.now() - started;
  return {
    child,
    announcement,
    announcedAfterMs,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Resident memory of a process in MB (10^6 bytes), from /proc; NaN elsewhere. */
export function residentMB(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
  } catch {
    return NaN;
  }
}

export function temporaryFolder(): { readonly path: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'windlass-bench-'));
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The control plane alone (no controllers, no node), as `windlass up` starts it. */
export function startControlPlaneProcess(dataDirectory: string): Promise<RunningServer> {
  return startServer(
    [
      path.join(root, 'cli/launcher.mjs'),
      'up',
      '--data-dir',
      dataDirectory,
      '--port',
      '0',
      '--no-controllers',
      '--no-node',
    ],
    'ready ',
  );
}
