// Runs a command to its end.
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** It is killed then, and the promise rejects. 180 s when absent. */
  readonly timeoutMs?: number;
}

/** Resolves with whatever code it ends with; rejects when it cannot be started or takes too long. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { cwd, env, input, timeoutMs = 180_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined).end(input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (isLate)
        reject(
          new Error(
            `${command} ${args.join(' ')} took more than ${timeoutMs / 1000} s\n${stdout}${stderr}`,
          ),
        );
      else resolve({ code: code ?? undefined, stdout, stderr });
    });
  });
}

/** Standard output of a command that must succeed. */
export async function outputOf(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code !== 0)
    throw new Error(
      `${command} ${args.join(' ')} ended with ${code ?? 'a signal'}\n${stdout}${stderr}`,
    );
  return stdout;
}
