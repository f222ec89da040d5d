// The two files by which systemd runs a machine: the settings of its container, and what is added to its unit. Pure.
import type { RootFS } from './goal-state.ts';

/** `/etc/systemd/nspawn/<machine>.nspawn` */
export function nspawnFile(goal: RootFS): string {
  const { gpu } = goal.devices;
  return [
    '# Written by Windlass; changed here, it is changed back.',
    '[Exec]',
    'Boot=yes',
    'Capability=all',
    'PrivateUsers=no',
    'SystemCallFilter=@keyring bpf',
    '',
    '[Network]',
    // The node is on the network of its host.
    'VirtualEthernet=no',
    '',
    '[Files]',
    'BindReadOnly=/lib/modules',
    ...[...goal.hostDevices, ...gpu.devices].map((path) => `Bind=${path}`),
    ...gpu.libraryFolders.map((path, at) => `BindReadOnly=${path}:/run/host-nvidia/${at}`),
    ...goal.mounts.map(
      ({ source, target, readOnly = false }) =>
        `${readOnly ? 'BindReadOnly' : 'Bind'}=${escaped(source)}:${escaped(target)}`,
    ),
    '',
  ].join('\n');
}

/** The drop-in of `systemd-nspawn@<machine>.service`: it comes back by itself, however often it ends. */
export function serviceOverride(goal: RootFS): string {
  const devices = [...goal.hostDevices, ...goal.devices.gpu.devices];
  return [
    '# Written by Windlass; changed here, it is changed back.',
    '[Unit]',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Restart=on-failure',
    'RestartSec=10',
    // What a killed machine leaves registered stands in the way of the next start; nothing there is fine.
    `ExecStartPre=-/usr/bin/machinectl terminate ${goal.machineName}`,
    'Environment=SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1',
    'Environment=SYSTEMD_NSPAWN_API_VFS_WRITABLE=network',
    ...devices.map((path) => `DeviceAllow=${path} rwm`),
    '',
  ].join('\n');
}

/** A colon parts source from target. */
function escaped(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}
