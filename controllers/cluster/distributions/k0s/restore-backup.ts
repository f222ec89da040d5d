// A cluster that begins with a backup: on the host of the controller that begins it, before its service is installed, and once.
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { HostCommandError } from '../../../hosts/host-errors.ts';
import { restoreCommand } from './commands.ts';

/** From which backup the cluster of a host began. */
export const RESTORED = '/etc/k0s/windlass.restored';

/** @throws HostCommandError when it is not there */
export async function mustHaveBackup(
  host: HostDriver,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await host.stat(path, signal))?.kind === 'file') return;
  throw new HostCommandError(
    `spec.restoreFrom: ${path} is not on ${host.name}, which begins the cluster: put the backup there, or name where it is`,
  );
}

/** What was restored before a crash is there. @param run runs a command of k0s on the host */
export async function restoreBackup(
  host: HostDriver,
  path: string,
  hasConfiguration: boolean,
  run: (command: readonly string[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const done = await host.readFile(RESTORED, signal);
  if (done !== undefined && new TextDecoder().decode(done) === `${path}\n`) return;
  await run(restoreCommand(path, hasConfiguration));
  await host.putFile(RESTORED, `${path}\n`, { signal, mode: 0o600 });
}
