// Runs the scripts of host-scripts.ts on a host, and says what their exit codes mean.
import { HostCommandError } from '../host-errors.ts';
import { ABSENT } from './host-scripts.ts';
import { runRemote } from './remote-command.ts';
import type { RemoteResult, RemoteShell } from './remote-command.ts';

export class Scripts {
  readonly #shell: RemoteShell;

  constructor(shell: RemoteShell) {
    this.#shell = shell;
  }

  /** What it printed. @throws HostCommandError for any exit code but 0 */
  async run(
    script: string,
    args: readonly string[],
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<Buffer> {
    const result = await this.#remote(script, args, {
      signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (result.exitCode !== 0) throw this.#failure(args, result);
    return result.stdout.bytes();
  }

  /** What it printed, or undefined where there is nothing at the path. @throws HostCommandError, also for more than `maxBytes` */
  async ask(
    script: string,
    args: readonly string[],
    options: {
      readonly signal: AbortSignal;
      readonly maxBytes?: number;
      readonly timeoutMs?: number;
    },
  ): Promise<Buffer | undefined> {
    const result = await this.#remote(script, args, options);
    if (result.exitCode === ABSENT) return undefined;
    if (result.exitCode !== 0) throw this.#failure(args, result);
    if (result.stdout.isCut)
      throw new HostCommandError(
        `${this.#shell.connection.name}: ${args[0] ?? ''}: the answer is too long`,
      );
    return result.stdout.bytes();
  }

  #remote(
    script: string,
    args: readonly string[],
    options: {
      readonly signal: AbortSignal;
      readonly maxBytes?: number;
      readonly timeoutMs?: number;
    },
  ): Promise<RemoteResult> {
    return runRemote(this.#shell, ['sh', '-c', script, 'sh', ...args], options);
  }

  #failure(
    args: readonly string[],
    { stderr, exitCode, timedOut }: RemoteResult,
  ): HostCommandError {
    const why = timedOut
      ? 'took too long and was killed'
      : stderr.trim().slice(0, 1000) || `exit code ${exitCode}`;
    return new HostCommandError(`${this.#shell.connection.name}: ${args[0] ?? ''}: ${why}`);
  }
}
