// Runs a command for somebody who waits at the other end: pipes or a terminal, in a process group of its own, killed with all that it
// started when the other end goes. Every process carries the session's id in its environment, so that none is left behind.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { ExecOptions, RunningCommand, TerminalSize } from './container-sessions.ts';
import { markedProcesses, signalProcess } from './process-table.ts';
import { findTerminalMaker } from './process-terminal.ts';
import type { TerminalCommand } from './process-terminal.ts';

/** Names the session that a process belongs to. */
export const EXEC_MARKER = 'WINDLASS_EXEC_ID';

export interface ProcessExecInput {
  /** 32 hex digits. */
  readonly execID: string;
  readonly options: ExecOptions;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

const SILENCE_MS = 500;

/** @throws Error that says why it cannot run */
export async function runProcessExec(input: ProcessExecInput): Promise<RunningCommand> {
  const { options, workingDirectory, clock, execID } = input;
  const environment = { ...input.environment, [EXEC_MARKER]: execID };
  const terminal = options.tty ? await makeTerminal(options, environment) : undefined;
  const [program = '', ...args] = terminal ? [terminal.program, ...terminal.args] : options.command;
  const pipe = (wanted: boolean): 'pipe' | 'ignore' => (wanted ? 'pipe' : 'ignore');
  const child = spawn(program, args, {
    cwd: workingDirectory,
    env: terminal?.environment ?? environment,
    detached: true,
    stdio: [
      pipe(options.stdin || terminal !== undefined),
      pipe(options.stdout || terminal !== undefined),
      pipe(options.stderr && terminal === undefined),
      ...(terminal === undefined ? [] : (['pipe'] as const)),
    ],
  });
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
    throw new Error(`error executing command in container: ${startProblem(program, error)}`);
  }
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  const kill = (): void => void killExec(execID, child.pid);
  const exited = exitCodeOf(child);
  endPipesAfter(child, clock);
  return {
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? undefined,
    stderr: child.stderr ?? undefined,
    exited,
    resize: terminal === undefined ? () => undefined : resizer(child, terminal),
    kill,
  };
}

/** Enough for whatever does not multiply faster than the table of processes is read. */
const KILL_PASSES = 5;

/**
 * Kills what belongs to a session, whatever groups it has made. What is forked while the table of processes is read, or shows no
 * environment because it is just being executed, is met by another look.
 *
 * @param pid of the first process, when it is still ours
 */
export async function killExec(execID: string, pid: number | undefined): Promise<void> {
  if (pid !== undefined) signalProcess(-pid, 'SIGKILL');
  for (let pass = 0; pass < KILL_PASSES; pass += 1) {
    const found = (await markedProcesses(EXEC_MARKER)).get(execID) ?? [];
    for (const { pid: one } of found) signalProcess(one, 'SIGKILL');
    // A first look that finds nothing may have come too early.
    if (found.length === 0 && pass > 0) return;
  }
}

function startProblem(program: string, error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return `exec: ${JSON.stringify(program)}: ${error.message}`;
  return program.includes('/')
    ? `exec: ${JSON.stringify(program)}: stat ${program}: no such file or directory`
    : `exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
}

async function makeTerminal(
  options: ExecOptions,
  environment: Readonly<Record<string, string>>,
): Promise<TerminalCommand> {
  const make = await findTerminalMaker(environment['PATH'] ?? '');
  return make({ command: options.command, environment, size: options.size });
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * What a command leaves running may hold its pipes open for ever. Once it has ended, a pipe from which everything has been taken and
 * nothing comes for a while is closed; one whose reader is behind is not.
 */
function endPipesAfter(child: ChildProcess, clock: Clock): void {
  const pipes = [child.stdout, child.stderr].filter((pipe) => pipe !== null);
  child.once('exit', () => {
    for (const pipe of pipes) endWhenSilent(pipe as Socket, clock);
  });
}

function endWhenSilent(pipe: Socket, clock: Clock): void {
  let seen = -1;
  const look = (): void => {
    const isTaken = pipe.readableFlowing === true && pipe.readableLength === 0;
    if (isTaken && pipe.bytesRead === seen) {
      pipe.once('end', () => pipe.destroy());
      pipe.push(null);
      return;
    }
    seen = isTaken ? pipe.bytesRead : -1;
    cancel = clock.schedule(SILENCE_MS, look);
  };
  let cancel = clock.schedule(SILENCE_MS, look);
  pipe.once('close', () => cancel());
}

function resizer(child: ChildProcess, { control }: TerminalCommand): (size: TerminalSize) => void {
  const line = child.stdio[3] as Socket | null | undefined;
  line?.on('error', () => undefined);
  if (control === 'sizes') {
    return ({ width, height }) => {
      if (line?.writable === true) line.write(`${height} ${width}\n`);
    };
  }
  let device = '';
  let last: TerminalSize | undefined;
  const apply = (): void => {
    if (last === undefined || !/^\/dev\/[\w/.-]+$/.test(device)) return;
    const { width, height } = last;
    const flag = process.platform === 'darwin' ? '-f' : '-F';
    const stty = spawn('stty', [flag, device, 'rows', String(height), 'cols', String(width)], {
      stdio: 'ignore',
    });
    stty.on('error', () => undefined);
  };
  let text = '';
  line?.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8');
  });
  line?.on('end', () => {
    device = text.trim();
    apply();
  });
  return (size) => {
    last = size;
    apply();
  };
}
