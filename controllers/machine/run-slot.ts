// Starts and stops the machine in a slot: under systemd-nspawn where the host has it, else, on a folder that stands for a host, its
// /sbin/init as a plain process.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import { isFolderHost } from '../rootfs/host-checks.ts';
import type { RootFS } from '../rootfs/goal-state.ts';
import { mustRun } from '../rootfs/root-files.ts';
import { hasEnded } from './slot-health.ts';

const LEFT_OVER = /already exists|already registered|File exists/i;
const GONE_MS = 15_000;
const RESPONSIVE_MS = 30_000;
const POLL_MS = 500;

export type SlotNames = Pick<RootFS, 'machineName' | 'machineDirectory' | 'unit'>;

/** The unit of a host that has no systemd-nspawn: what the folder's init is run by. */
export function plainUnit({ machineName, machineDirectory }: SlotNames): string {
  return [
    '# Written by Windlass: this host is a folder, so the root is no container.',
    '[Unit]',
    `Description=Machine ${machineName}`,
    '[Service]',
    `ExecStart=${machineDirectory}/sbin/init`,
    'Restart=no',
    '',
  ].join('\n');
}

/**
 * Starting what runs is fine. What an earlier start left registered is terminated, and it is tried once more; any other refusal is
 * told as it is.
 */
export async function startSlot(
  host: HostDriver,
  slot: SlotNames,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const isFolder = await isFolderHost(host, signal);
  if (isFolder) await host.services.install(slot.unit, plainUnit(slot), signal);
  try {
    await host.services.start(slot.unit, signal);
  } catch (error) {
    if (!(error instanceof HostCommandError)) throw error;
    const isRegistered = LEFT_OVER.test(error.message) || (await isKnown(host, slot, signal));
    if (!isRegistered) throw error;
    await host.exec(['systemctl', 'reset-failed', slot.unit], { signal });
    await host.exec(['machinectl', 'terminate', slot.machineName], { signal });
    const isGone = await until(
      clock,
      GONE_MS,
      signal,
      async () => !(await isKnown(host, slot, signal)),
    );
    // Starting it beside what is there would only say the same again.
    if (!isGone)
      throw new HostCommandError(
        `${slot.machineName}: its stale registration did not clear within ${GONE_MS / 1000} s of machinectl terminate: ${error.message}`,
      );
    await startAgain(host, slot, signal);
  }
  if (isFolder) return;
  const isUp = await until(clock, RESPONSIVE_MS, signal, async () => {
    if (await isKnown(host, slot, signal)) return true;
    const { state } = await host.services.state(slot.unit, signal);
    // systemd goes on starting it again; that it ended is all that there is to know.
    if (hasEnded(state))
      throw new HostCommandError(`${slot.machineName} ended when it was started`);
    return false;
  });
  if (!isUp)
    throw new HostCommandError(
      `${slot.machineName} did not come up within ${RESPONSIVE_MS / 1000} s of its start`,
    );
}

async function startAgain(host: HostDriver, slot: SlotNames, signal: AbortSignal): Promise<void> {
  try {
    await host.services.start(slot.unit, signal);
  } catch (error) {
    if (!(error instanceof HostCommandError)) throw error;
    throw new HostCommandError(
      `${slot.machineName} did not start after recovery from a stale registration: ${error.message}`,
    );
  }
}

/** Not running is fine. It stays stopped when its host is booted anew: there the other slot is the one to start, or none. */
export async function stopSlot(
  host: HostDriver,
  slot: SlotNames,
  signal: AbortSignal,
): Promise<void> {
  if (!(await host.services.state(slot.unit, signal)).isInstalled) return;
  await host.services.stop(slot.unit, signal);
  if (await isFolderHost(host, signal)) return;
  const { exitCode, stderr } = await host.exec(['systemctl', 'disable', slot.unit], { signal });
  if (exitCode !== 0)
    throw new HostCommandError(`${slot.unit} cannot be disabled: ${stderr.trim().slice(-400)}`);
}

/** Stops it and takes everything of it away; nothing there is fine. */
export async function removeSlot(
  host: HostDriver,
  slot: SlotNames & Pick<RootFS, 'nspawnFile' | 'serviceOverrideFile'>,
  signal: AbortSignal,
): Promise<void> {
  await stopSlot(host, slot, signal);
  // The template of systemd-nspawn@ is the system's; only our own unit of a folder is ours to take away.
  if (await isFolderHost(host, signal)) await host.services.uninstall(slot.unit, signal);
  await host.remove(slot.machineDirectory, signal);
  await host.remove(slot.nspawnFile, signal);
  const folder = slot.serviceOverrideFile.slice(0, slot.serviceOverrideFile.lastIndexOf('/'));
  await host.remove(folder, signal);
  await host.remove(`/var/lib/machines/.${slot.machineName}.tar`, signal);
  if (!(await isFolderHost(host, signal)))
    await mustRun(host, ['systemctl', 'daemon-reload'], signal);
}

/** Whether systemd has the machine on its list. */
async function isKnown(host: HostDriver, slot: SlotNames, signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await host.exec(['machinectl', 'status', slot.machineName], { signal });
  return exitCode === 0;
}

async function until(
  clock: Clock,
  mostMs: number,
  signal: AbortSignal,
  check: () => Promise<boolean>,
): Promise<boolean> {
  const end = clock.monotonic() + mostMs;
  for (;;) {
    // One question after the other, until the answer is right or it is too late.
    if (await check()) return true;
    if (clock.monotonic() >= end) return false;
    await sleep(clock, POLL_MS, signal);
  }
}
