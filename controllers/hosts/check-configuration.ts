// Asks a program whether it would take a configuration, before anything is replaced: the program that was staged, not the one that runs.
import type { IdSource } from '#platform/id.ts';
import type { HostDriver } from './host-driver.ts';
import { HostCommandError } from './host-errors.ts';

export interface ConfigurationCheck {
  /** Path of the staged program on the host. */
  readonly program: string;
  /** What comes before the path of the file: `['config', 'validate', '--config']`. */
  readonly before: readonly string[];
  /** What comes after it: `['--feature-gates=A=true']`. */
  readonly after: readonly string[];
  readonly content: string;
  readonly timeoutMs?: number;
}

/** @throws HostCommandError with what the program said when it does not take it; no file is left on the host */
export async function checkConfiguration(
  host: Pick<HostDriver, 'exec' | 'putFile' | 'remove'>,
  { program, before, after, content, timeoutMs = 60_000 }: ConfigurationCheck,
  ids: IdSource,
  signal: AbortSignal,
): Promise<void> {
  const path = `/tmp/windlass-configuration-${ids.hex(16)}.yaml`;
  try {
    await host.putFile(path, content, { signal, mode: 0o600 });
    const command = [program, ...before, path, ...after];
    const { exitCode, stdout, stderr } = await host.exec(command, { signal, timeoutMs });
    if (exitCode === 0) return;
    const said = (stderr.trim() || stdout.trim()).slice(0, 1000);
    throw new HostCommandError(
      `${program} does not take the configuration: ${said || `exit code ${exitCode}`}`,
    );
  } finally {
    await host.remove(path, new AbortController().signal).catch(() => undefined);
  }
}
