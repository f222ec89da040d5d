// Asks a program of Docker's (`docker-credential-pass`, `-ecr-login` …) for the login of a registry, as the Docker client does.
import { spawn } from 'node:child_process';
import type { Clock } from '#platform/clock.ts';
import { jsonFields } from '#platform/json-fields.ts';
import type { RegistryLogin } from '../machinery/docker-config.ts';

export interface HelperOptions {
  readonly clock: Clock;
  /** Of the process: PATH finds the program, the rest is the program's business. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 10_000;
const LIMIT_BYTES = 64 << 10;
/** What helpers give in place of a name when the secret is a refresh token. */
const TOKEN_USER = '<token>';

/**
 * @param helper what follows `docker-credential-`
 * @returns undefined when it knows none
 * @throws Error that names the program; never with its output, which may be a secret
 */
export async function askHelper(
  helper: string,
  address: string,
  { clock, environment }: HelperOptions,
  signal: AbortSignal,
): Promise<RegistryLogin | undefined> {
  const program = `docker-credential-${helper}`;
  const ended = new AbortController();
  const cancel = clock.schedule(TIMEOUT_MS, () => ended.abort());
  try {
    const either = AbortSignal.any([signal, ended.signal]);
    const { code, output } = await run(program, address, environment, either);
    // Exit code 1 is what they say no with; other trouble they tell the same way.
    return code === 0 ? loginOf(output) : undefined;
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    const why = ended.signal.aborted
      ? `it gave no answer within ${TIMEOUT_MS / 1000} s`
      : code === 'ENOENT'
        ? 'there is no such program in PATH'
        : (code ?? 'it failed');
    throw new Error(`Cannot ask ${program} for the login of ${address}: ${why}`, { cause: error });
  } finally {
    cancel();
  }
}

function run(
  program: string,
  input: string,
  environment: HelperOptions['environment'],
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], {
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= LIMIT_BYTES) parts.push(part);
      else child.kill('SIGKILL');
    });
    child.once('error', reject);
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code, output: Buffer.concat(parts).toString('utf8') }));
  });
}

function loginOf(output: string): RegistryLogin | undefined {
  const fields = jsonFields(output);
  if (fields === undefined) return undefined;
  const { Username: username, Secret: password } = fields;
  if (typeof username !== 'string' || typeof password !== 'string' || password === '')
    return undefined;
  return username === TOKEN_USER
    ? { username, password: '', identityToken: password }
    : { username, password };
}
