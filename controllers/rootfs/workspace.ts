// The tree of a machine's root, from an image or by debootstrap, and the files by which systemd runs it.
import { HostCommandError } from '../hosts/host-errors.ts';
import { readMarker, writeMarker } from './completion-marker.ts';
import { nspawnFile, serviceOverride } from './nspawn-unit.ts';
import { aptArchive } from './os-files.ts';
import type { RootFSContext } from './rootfs-context.ts';
import { mustRun, putIfDifferent } from './root-files.ts';
import type { Task } from './task.ts';
import { unpackImage } from './unpack-image.ts';

const PACKAGES =
  'systemd,systemd-sysv,dbus,curl,ca-certificates,iproute2,nftables,kmod,udev,procps,wireguard-tools,iptables,conntrack,ethtool,util-linux';
const DEBOOTSTRAP_MS = 3_600_000;

/** Skips what is complete for the same goal; redoes what was interrupted, where that is allowed. */
export function ensureNSpawnWorkspace(context: RootFSContext): Task {
  return {
    name: 'EnsureNSpawnWorkspace',
    deadlineMs: DEBOOTSTRAP_MS + 600_000,
    async do(signal) {
      await ensureTree(context, signal);
      const { host, goal } = context;
      await putIfDifferent(host, goal.nspawnFile, nspawnFile(goal), signal);
      await putIfDifferent(host, goal.serviceOverrideFile, serviceOverride(goal), signal);
    },
  };
}

async function ensureTree(context: RootFSContext, signal: AbortSignal): Promise<void> {
  const { host, goal, goalHash } = context;
  const { machineDirectory } = goal;
  const marker = await readMarker(host, machineDirectory, signal);
  if (marker?.goalHash === goalHash) return;
  const found = await host.stat(machineDirectory, signal);
  if (found !== undefined && found.kind !== 'directory')
    throw new HostCommandError(`${machineDirectory} is there and is no folder; remove it`);
  const names = (await host.list(machineDirectory, signal)) ?? [];
  if (names.length > 0) {
    // A complete root of another goal is ours, and stale. Without a marker nobody knows whose it is.
    if (marker === undefined && goal.rebuildPolicy === 'Never')
      throw new HostCommandError(
        `${machineDirectory} is not empty and nothing says that it is complete; rebuildPolicy Never leaves it alone: remove it, or allow Owned`,
      );
    await host.remove(machineDirectory, signal);
  }
  await mustRun(host, ['mkdir', '-p', machineDirectory], signal);
  const imageDigest =
    goal.image === '' ? await debootstrap(context, signal) : await unpackImage(context, signal);
  // Not world-writable whatever the archive says, and readable as systemd-nspawn wants it.
  await mustRun(host, ['chmod', '0755', machineDirectory], signal);
  await writeMarker(host, machineDirectory, { goalHash, imageDigest }, signal);
}

async function debootstrap({ host, goal }: RootFSContext, signal: AbortSignal): Promise<string> {
  const { machineDirectory, architecture } = goal;
  const options = ['--variant=minbase', `--arch=${architecture}`, `--include=${PACKAGES}`];
  const command = ['debootstrap', ...options, 'noble', machineDirectory, aptArchive(goal)];
  await mustRun(host, command, signal, DEBOOTSTRAP_MS);
  return '';
}
