// Checks the places of a host where a machine's root is put.
import type { HostDriver } from '../hosts/host-driver.ts';
import { failure, ok, warning } from './preflight.ts';
import type { Checker, CheckResult } from './preflight.ts';
import type { RootFS } from './goal-state.ts';

/** A container's user must be able to walk in. */
const WALKABLE = 0o055;

export function checkNSpawnMachineProvisioning(
  host: HostDriver,
  goal: RootFS | undefined,
): Checker {
  return {
    name: 'nspawn-machine-provisioning',
    async check(signal) {
      if (goal === undefined) return [failure('', 'machine directory is not configured')];
      return Promise.all([
        checkDirectory(host, goal.machineDirectory, signal),
        checkWritable(host, goal.nspawnFile, signal),
        checkWritable(host, goal.serviceOverrideFile, signal),
      ]);
    },
  };
}

async function checkDirectory(
  host: HostDriver,
  path: string,
  signal: AbortSignal,
): Promise<Omit<CheckResult, 'name'>> {
  const found = await host.stat(path, signal);
  if (found === undefined) return checkWritable(host, path, signal);
  if (found.kind !== 'directory') return failure(path, 'is there and is no folder; remove it');
  try {
    await host.list(path, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return failure(
      path,
      `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return (found.mode & WALKABLE) === WALKABLE
    ? ok(path, 'is there')
    : warning(path, `has mode ${found.mode.toString(8)}: others cannot walk in; chmod 755 it`);
}

/** The nearest folder above that exists must be writable. */
async function checkWritable(
  host: HostDriver,
  path: string,
  signal: AbortSignal,
): Promise<Omit<CheckResult, 'name'>> {
  let parent = path;
  do parent = parent.slice(0, Math.max(1, parent.lastIndexOf('/')));
  while (parent !== '/' && (await host.stat(parent, signal)) === undefined);
  const { exitCode } = await host.exec(['test', '-w', parent], { signal });
  return exitCode === 0
    ? ok(path, `can be made below ${parent}`)
    : failure(path, `cannot be made: ${parent} is not writable`);
}
