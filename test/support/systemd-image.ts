// A small image that boots: systemd and D-Bus as they are installed on this machine with the libraries that they need, busybox for all
// the rest. Made from files that are there, so no test waits for a mirror of packages.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tarOf, writeLayout } from '#controllers/rootfs/image-fixture.ts';
import type { FixtureEntry } from '#controllers/rootfs/image-fixture.ts';

const BUSYBOX = '/usr/bin/busybox';
const PROGRAMS = [
  '/usr/lib/systemd/systemd',
  '/usr/lib/systemd/systemd-journald',
  '/usr/lib/systemd/systemd-shutdown',
  '/usr/bin/systemctl',
  '/usr/bin/systemd-notify',
  '/usr/bin/dbus-daemon',
];
const UNITS = '/usr/lib/systemd/system';
const TARGETS =
  'basic emergency final halt local-fs local-fs-pre multi-user network paths poweroff reboot rescue shutdown slices sockets swap sysinit timers umount';
const SOCKETS = ['dbus', 'systemd-journald', 'systemd-journald-dev-log'];
const SERVICES = ['dbus', 'systemd-journald', 'systemd-halt', 'systemd-poweroff', 'systemd-reboot'];
const POLICY = '/usr/share/dbus-1';

let base: Promise<Buffer> | undefined;

/** Why none can be made here; undefined when all is there. */
export function missingForSystemdImage(): string | undefined {
  return [BUSYBOX, ...PROGRAMS].find((path) => !existsSync(path))?.replace(/^/, 'needs ');
}

/** @param more what lies over the base. @returns `oci-layout:FOLDER` */
export async function systemdImage(
  folder: string,
  more: readonly FixtureEntry[] = [],
): Promise<string> {
  base ??= tarOf(systemdRoot());
  return writeLayout(folder, { layers: [await base, more], compression: 'none' });
}

function systemdRoot(): readonly FixtureEntry[] {
  const units = [
    ...TARGETS.split(' ').map((name) => `${name}.target`),
    ...SOCKETS.map((name) => `${name}.socket`),
    ...SERVICES.map((name) => `${name}.service`),
  ];
  const policies = ['system.conf', 'system.d/org.freedesktop.systemd1.conf'];
  return [
    ...['dev', 'etc/systemd/system', 'proc', 'root', 'run', 'sys', 'tmp', 'usr/lib', 'var/lib'].map(
      folder,
    ),
    ...['bin', 'lib', 'lib64', 'sbin'].map((name) => link(name, `usr/${name}`)),
    link('var/run', '../run'),
    ...[BUSYBOX, ...PROGRAMS, ...librariesOf(PROGRAMS)].map((path) => copy(path)),
    ...applets().map((name) => link(`usr/bin/${name}`, 'busybox')),
    link('usr/sbin/init', '../lib/systemd/systemd'),
    ...units.map((name) => copy(join(UNITS, name), 0o644)),
    ...SOCKETS.map((name) => ({
      ...link(`${UNITS.slice(1)}/sockets.target.wants/${name}.socket`, `../${name}.socket`),
    })),
    link('etc/systemd/system/default.target', '/lib/systemd/system/multi-user.target'),
    ...policies.map((path) => copy(join(POLICY, path), 0o644)),
    text(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n',
    ),
    text('etc/group', 'root:x:0:\nmessagebus:x:100:\nnogroup:x:65534:\n'),
    text('etc/os-release', 'ID=test\nPRETTY_NAME="A root of tests"\n'),
    text('etc/machine-id', ''),
  ];
}

function folder(name: string): FixtureEntry {
  return { name: `${name}/`, type: 'directory' };
}

function link(name: string, linkname: string): FixtureEntry {
  return { name, type: 'symlink', linkname };
}

function text(name: string, content: string): FixtureEntry {
  return { name, mode: 0o644, text: content };
}

/** A file of this machine at the same place; `/lib` is `/usr/lib` there. */
function copy(path: string, mode = 0o755): FixtureEntry {
  const place = path.startsWith('/usr/') ? path.slice(1) : `usr${path}`;
  return { name: place, mode, text: readFileSync(path) };
}

/** As the loader finds them, itself included. */
function librariesOf(programs: readonly string[]): readonly string[] {
  const said = execFileSync('ldd', [...programs], { encoding: 'utf8' });
  const paths = [...said.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  return [...new Set(paths)];
}

function applets(): readonly string[] {
  const taken = new Set([...PROGRAMS, BUSYBOX].map((path) => basename(path)));
  const names = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).split('\n');
  return names.filter((name) => name !== '' && !taken.has(name));
}
