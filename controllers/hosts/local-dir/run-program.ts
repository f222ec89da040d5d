// Runs one program of this machine for a local-dir host: in a process group of its own that is killed at the time limit and when
// the signal aborts, its output bounded.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock } from '#platform/clock.ts';
import { BoundedOutput } from '../bounded-output.ts';
import type { CommandOptions, CommandResult } from '../host-driver.ts';
import { DEFAULT_TIMEOUT_MS, NOT_FOUND, TIMED_OUT, timeoutNote } from '../host-rules.ts';

export interface RunOptions extends CommandOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** @throws the signal's reason when it aborts; whatever the program does is an answer */
export async function runProgram(options: RunOptions): Promise<CommandResult> {
  const { program, args, signal, timeoutMs = DEFAULT_TIMEOUT_MS, clock } = options;
  signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: options.workingDirectory,
    env: options.environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = [new BoundedOutput(), new BoundedOutput()];
  child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  // A program that does not read its input ends the pipe; that is its right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const ended = Promise.withResolvers<number>();
  const failed = Promise.withResolvers<CommandResult>();
  let timedOut = false;
  const killGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of the group is gone.
    }
  };
  const cancel = clock.schedule(timeoutMs, () => {
    timedOut = true;
    killGroup();
  });
  signal.addEventListener('abort', killGroup, { once: true });
  child.on('error', (error: NodeJS.ErrnoException) =>
    failed.resolve({
      exitCode: error.code === 'ENOENT' ? NOT_FOUND : NOT_FOUND - 1,
      stdout: '',
      stderr: `${program}: ${error.message}\n`,
    }),
  );
  child.on('exit', (code, name) => {
    // What it left behind would hold the pipes open for ever.
    killGroup();
    const exitCode = code ?? 128 + (name === null ? 0 : constants.signals[name]);
    child.once('close', () => ended.resolve(exitCode));
  });
  const answer = ended.promise.then((exitCode) => ({
    exitCode: timedOut ? TIMED_OUT : exitCode,
    stdout: stdout.text(),
    stderr: stderr.text() + (timedOut ? timeoutNote(timeoutMs) : ''),
  }));
  try {
    const result = await Promise.race([answer, failed.promise]);
    signal.throwIfAborted();
    return result;
  } finally {
    cancel();
    signal.removeEventListener('abort', killGroup);
  }
}
