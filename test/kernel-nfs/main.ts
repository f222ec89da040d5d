// `npm run kernel-nfs`: the tests of directories as persistence, on a file server: NFSv4.2, mounted by a Linux kernel of its own (User-Mode
// Linux), from a server beside it (NFS-Ganesha). Both in a network namespace, so as root. Not among the tests: a guest with one processor
// takes minutes where others work, and a machine's files are the guest's files. `npm run kernel-nfs -- crash layout` runs some of them.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const TESTS = ['layout', 'paused-writer', 'crash', 'provider'];
/** For each of them; on a machine that does nothing else a tenth of it is enough. */
const SECONDS = 600;
const MODULES = '/usr/lib/uml/modules';
const root = path.resolve(import.meta.dirname, '../..');

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root, for a network namespace and a mount';
  if (!existsSync('/dev/net/tun')) return '/dev/net/tun';
  const programs = { 'linux.uml': 'user-mode-linux', 'ganesha.nfsd': 'nfs-ganesha' };
  for (const [program, name] of Object.entries(programs)) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    } catch {
      return `${program} (Debian: ${name}${name === 'nfs-ganesha' ? ' nfs-ganesha-vfs' : ''})`;
    }
  }
  return undefined;
}

/**
 * What runs as the guest's first process: its files are the machine's, but for the mounts. Each test starts many threads, and most of
 * their time goes into reading the same modules, hence the cache.
 */
function guest(folder: string, kernel: string, tests: readonly string[]): string {
  const files = tests.map((name) => `persistence/nfs/${name}.test.ts`).join(' ');
  return `#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NODE_COMPILE_CACHE=${folder}/cache
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /mnt; mount -t tmpfs tmpfs /dev/shm
ip link set lo up; ip addr add 10.214.1.2/24 dev vec0; ip link set vec0 up
{
  modprobe -d ${folder}/${kernel} nfsv4; mkdir -p /mnt/nfs
  mount -i -t nfs4 -o addr=10.214.1.1,clientaddr=10.214.1.2,vers=4.2,hard 10.214.1.1:/export /mnt/nfs && grep nfs4 /proc/mounts && {
    cd ${root}
    code=0
    for file in ${files}; do
      TMPDIR=/mnt/nfs timeout -k 5 ${SECONDS} ${process.execPath} --test --test-timeout=${SECONDS * 1_000} --test-reporter=spec $file
      ended=$?; [ $ended = 0 ] || code=1; [ $ended != 124 ] || echo "$file did not end within ${SECONDS} s"
    done
    echo $code >${folder}/code
  }
} >${folder}/output 2>&1
sync; echo o >/proc/sysrq-trigger; sleep 9
`;
}

function serverConfiguration(folder: string): string {
  return `NFS_CORE_PARAM { Protocols = 4; NFS_Port = 2049; Bind_addr = 10.214.1.1; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; NSM_Use_Caller_Name = false; }
NFSv4 { Graceless = true; Lease_Lifetime = 10; Grace_Period = 10; RecoveryRoot = "${folder}/recovery"; RecoveryBackend = fs; Minor_Versions = 0, 1, 2; Only_Numeric_Owners = true; }
EXPORT_DEFAULTS { Access_Type = RW; Squash = No_Root_Squash; SecType = sys; }
EXPORT { Export_Id = 1; Path = ${folder}/export; Pseudo = /export; FSAL { Name = VFS; } }
LOG { Default_Log_Level = EVENT; }
`;
}

/** Server and guest, in a network namespace of their own; ends with the guest. */
function machine(folder: string, seconds: number): string {
  return `set -e
ip link set lo up; ip tuntap add dev nfs0 mode tap; ip addr add 10.214.1.1/24 dev nfs0; ip link set nfs0 up
mkdir -p /var/run/ganesha
ganesha.nfsd -F -f ${folder}/ganesha.conf -L ${folder}/ganesha.log -p ${folder}/ganesha.pid </dev/null & server=$!
trap 'kill $server; wait $server || true' EXIT
for attempt in $(seq 100); do (exec 3<>/dev/tcp/10.214.1.1/2049) 2>/dev/null && break; sleep 0.1; done
timeout -k 5 ${seconds} linux.uml umid=windlass-nfs-$$ mem=768M root=/dev/root rootfstype=hostfs rootflags=/ rw quiet con=null con0=null,fd:1 \\
  vec0:transport=tap,ifname=nfs0,depth=128,gro=1 init=${folder}/init </dev/null >${folder}/kernel.log 2>&1 & guest=$!
tail --pid=$guest -n +1 -F ${folder}/output 2>/dev/null
wait $guest || true
`;
}

const lacks = missing();
if (lacks !== undefined) {
  console.error(`npm run kernel-nfs needs ${lacks}`);
  process.exit(2);
}
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !TESTS.includes(name));
if (unknown.length > 0) {
  console.error(`npm run kernel-nfs has no ${unknown.join(', ')}; there are ${TESTS.join(', ')}`);
  process.exit(2);
}
const tests = asked.length === 0 ? TESTS : asked;
const [version = ''] = readdirSync(MODULES).toSorted().slice(-1);
const folder = mkdtempSync(path.join(tmpdir(), 'windlass-kernel-nfs-'));
for (const name of ['cache', 'export', 'recovery', 'modules/lib/modules'])
  mkdirSync(path.join(folder, name), { recursive: true });
symlinkSync(path.join(MODULES, version), path.join(folder, 'modules/lib/modules', version));
writeFileSync(path.join(folder, 'init'), guest(folder, 'modules', tests), { mode: 0o755 });
writeFileSync(path.join(folder, 'ganesha.conf'), serverConfiguration(folder));
const started = performance.now();
const script = machine(folder, SECONDS * tests.length + 60);
const child = spawn('unshare', ['-n', 'bash', '-c', script], { stdio: 'inherit' });
await once(child, 'exit');
const seconds = Math.round((performance.now() - started) / 1_000);
const file = path.join(folder, 'code');
const code = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
const outcomes: Readonly<Record<string, string>> = { 0: 'passed', 1: 'failed' };
const outcome = outcomes[String(code)] ?? 'the guest ended before its tests did';
console.log(`${tests.join(', ')}: ${outcome}, after ${seconds} s`);
if (code === 0) rmSync(folder, { recursive: true });
else console.error(`what server and kernel said is in ${folder}`);
process.exit(code ?? 1);
