// Runs one short command to its end, in a process group of its own that is killed at the timeout. For probes and hooks.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock } from '#platform/clock.ts';
import { signalProcess } from './process-table.ts';
import type { ExecResult } from './runtime.ts';

export const MAXIMUM_OUTPUT_BYTES = 16 << 10;

export interface CommandOptions {
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A program that cannot be started gives exit code 126 and the reason as output, as a shell would. */
export function runCommand(options: CommandOptions): Promise<ExecResult> {
  const { command, workingDirectory, environment, timeoutMs, clock } = options;
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: workingDirectory,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    let timedOut = false;
    const collect = (chunk: Buffer): void => {
      if (bytes < MAXIMUM_OUTPUT_BYTES) parts.push(chunk.subarray(0, MAXIMUM_OUTPUT_BYTES - bytes));
      bytes += chunk.length;
    };
    const killGroup = (): void => {
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
    };
    const cancel = clock.schedule(timeoutMs, () => {
      timedOut = true;
      killGroup();
    });
    const finish = (exitCode: number, text?: string): void => {
      cancel();
      const output = text ?? Buffer.concat(parts).toString('utf8');
      resolve({ exitCode, output, timedOut });
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => finish(126, `cannot run ${program}: ${error.message}`));
    child.on('exit', (code, signal) => {
      // What it left behind would hold the pipes open for ever.
      killGroup();
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      child.once('close', () => finish(exitCode));
    });
  });
}
