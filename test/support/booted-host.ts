// A host with systemd as process 1, whatever this machine runs: a container of systemd-nspawn with the programs of this machine, read
// only, and everything else of its own, in memory. It is reached as any other host is, over SSH. Nothing of it outlives the test's
// process: it lives in a process namespace of its own, whose first process the kernel ends with us.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { HostConnection } from '#controllers/hosts/host-connection.ts';
import { openHost } from '#controllers/hosts/open-host.ts';
import type { HostDriver } from '#controllers/hosts/host-driver.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { eventually } from './eventually.ts';
import { missingForMachines, startMachines } from './machines.ts';
import { isRunning } from './processes.ts';
import { missingForSsh, writeSshd } from './ssh-hosts.ts';
import type { SshKeys } from './ssh-hosts.ts';
import { tempDir } from './temp-dir.ts';

const PROGRAMS = [
  '/usr/bin/systemd-nspawn',
  '/usr/bin/machinectl',
  '/usr/bin/dbus-daemon',
  '/usr/lib/systemd/systemd',
  '/usr/bin/setpriv',
  '/usr/bin/unshare',
];
/** Where the fixture's folder is on the host. */
const FIXTURE = '/srv/fixture';
const CGROUPS = '/sys/fs/cgroup';
const CGROUP_NAME = /^windlass-test-(\d+)-\d+$/;

/** Why none can be had here; undefined when all is there. */
export function missingForBootedHost(): string | undefined {
  const missing = missingForMachines() ?? missingForSsh();
  if (missing !== undefined) return missing;
  const program = PROGRAMS.find((path) => !existsSync(path));
  if (program !== undefined) return `needs ${program}`;
  return lstatSync('/bin').isSymbolicLink() ? undefined : 'needs a merged /usr';
}

export interface BootedHost extends SshKeys {
  readonly address: string;
  /** As a Machine says it, with its key in the Secret `ssh`. */
  readonly connection: HostConnection;
  /** This machine, as the host reaches it. */
  readonly gateway: string;
  /** Runs a program there. @returns its output. @throws Error when it fails */
  readonly run: (command: readonly string[]) => Promise<string>;
}

let made = 0;

/** Gone after the test, with all that runs on it. */
export async function startBootedHost(
  t: Pick<TestContext, 'after'>,
  hostname: string,
): Promise<BootedHost> {
  const machines = startMachines(t, 1);
  const [machine] = machines.all;
  if (machine === undefined) throw new Error('there is no machine');
  const { address, name: network } = machine;
  const folder = tempDir();
  const keys = writeSshd(folder, { listen: `${address}:22` }, FIXTURE);
  const cgroup = `windlass-test-${process.pid}-${(made += 1)}`;
  removeCgroups((owner) => !isRunning(owner));
  const alone = '--pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child';
  const host = spawn(
    'setpriv',
    [
      ...alone.split(' '),
      '--mount-proc',
      'sh',
      '-ec',
      SCRIPT,
      'sh',
      folder,
      hostname,
      cgroup,
      network,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [host.stdout, host.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const gone = once(host, 'exit');
  const connection: HostConnection = {
    type: 'SSH',
    ssh: { address, keySecretRef: { name: 'ssh' }, hostKey: keys.hostKey },
  };
  const { signal } = new AbortController();
  const secret = async (_: string, key: string): Promise<string | undefined> =>
    key === 'ssh-privatekey' ? keys.privateKey : undefined;
  const parts = { name: hostname, secret, clock: systemClock, ids: systemIds };
  const driver: HostDriver = await openHost(connection, parts, signal);
  machines.after(async () => {
    await driver[Symbol.asyncDispose]();
    host.kill('SIGKILL');
    await gone;
    await eventually('its processes are gone', () => {
      removeCgroups((owner, name) => owner === process.pid && name === cgroup);
    });
  });
  const run = async (command: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await driver.exec(command, { signal });
    if (exitCode === 0) return stdout;
    throw new Error(`${command.join(' ')}: exit code ${exitCode}: ${stderr}${stdout}`);
  };
  await eventually(`${hostname} is up`, async () => {
    if (host.exitCode !== null) throw new Error(`it ended: ${said}`);
    await run(['systemctl', 'is-system-running']);
  });
  return { ...keys, address, connection, gateway: machines.gateway, run };
}

/** Folder of the fixture, hostname, name of its cgroups, network namespace. */
const SCRIPT = `
w=$1/host; root=$w/root; etc=$root/etc
mkdir $w; mount -t tmpfs -o size=16g,mode=755 tmpfs $w
for d in etc/systemd/system/multi-user.target.wants var/lib/machines usr proc sys dev run tmp root srv/fixture; do mkdir -p $root/$d; done
for d in bin sbin lib lib64; do ln -s usr/$d $root/$d; done
mount --bind /usr $root/usr; mount -o remount,ro,bind $root/usr
mount --bind $1 $root/srv/fixture
cp -a /etc/alternatives /etc/ld.so.c* /etc/nsswitch.conf /etc/os-release $etc/
printf 'root:x:0:0:root:/root:/bin/sh\\nmessagebus:x:100:100::/:/bin/false\\nsshd:x:101:65534::/:/bin/false\\nnobody:x:65534:65534::/:/bin/false\\n' >$etc/passwd
printf 'root:x:0:\\nmessagebus:x:100:\\nnogroup:x:65534:\\n' >$etc/group
(umask 077; echo 'root:*:19000::::::' >$etc/shadow)
tr -d - </proc/sys/kernel/random/uuid >$etc/machine-id
echo "$2" >$etc/hostname; echo "127.0.0.1 localhost $2" >$etc/hosts; : >$etc/resolv.conf
ln -s /lib/systemd/system/multi-user.target $etc/systemd/system/default.target
for unit in getty.target systemd-logind.service systemd-networkd.service systemd-resolved.service; do ln -s /dev/null $etc/systemd/system/$unit; done
cat >$etc/systemd/system/test-sshd.service <<UNIT
[Service]
RuntimeDirectory=sshd
ExecStart=/usr/sbin/sshd -D -f ${FIXTURE}/sshd_config
UNIT
ln -s ../test-sshd.service $etc/systemd/system/multi-user.target.wants/
# systemd-nspawn wants this in memory.
mkdir -p /run/systemd/nspawn; mount -t tmpfs -o size=16m tmpfs /run/systemd/nspawn
# Without systemd around it, it needs cgroups of its own.
for tree in ${CGROUPS} ${CGROUPS}/unified ${CGROUPS}/systemd; do
  if [ -e $tree/cgroup.procs ]; then mkdir $tree/$3; echo $$ >$tree/$3/cgroup.procs; fi
done
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
systemd-nspawn --quiet --directory=$root --machine=$2 --register=no --keep-unit --network-namespace-path=/run/netns/$4 \\
  --console=pipe --capability=all --system-call-filter='add_key keyctl bpf' --boot
exit $?`;

/** Those of hosts of tests for which `isOver`: a test that was killed leaves them. @throws Error while something runs in one */
function removeCgroups(isOver: (owner: number, name: string) => boolean): void {
  for (const tree of [CGROUPS, join(CGROUPS, 'unified'), join(CGROUPS, 'systemd')]) {
    for (const name of foldersIn(tree)) {
      const owner = CGROUP_NAME.exec(name)?.[1];
      if (owner !== undefined && isOver(Number(owner), name)) removeTree(join(tree, name));
    }
  }
}

function removeTree(path: string): void {
  for (const name of foldersIn(path)) removeTree(join(path, name));
  rmdirSync(path);
}

function foldersIn(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
