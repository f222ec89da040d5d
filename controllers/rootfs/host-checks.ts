// Checks of a host itself: whether machines can run on it, and what stands in their way.
import type { HostDriver } from '../hosts/host-driver.ts';
import { failure, ok, warning } from './preflight.ts';
import type { Checker, CheckResult } from './preflight.ts';
import type { RootFS } from './goal-state.ts';

type Look = (signal: AbortSignal) => Promise<readonly Omit<CheckResult, 'name'>[]>;

const LEAST_DISK_BYTES = 8 * 2 ** 30;
/** What an earlier installation of somebody else leaves. */
const FOREIGN = [
  '/etc/kubernetes/kubelet.conf',
  '/etc/kubernetes/admin.conf',
  '/var/lib/k0s',
  '/etc/rancher/k3s',
];
const NOT_FOUND = 127;
const FOLDER_HOST = 'the host is a folder without a kernel of its own: not looked at';

/** In the order in which they are told. */
export function hostChecks(host: HostDriver, goal: RootFS): readonly Checker[] {
  const all: readonly (readonly [string, Look])[] = [
    ['privileged-user', (signal) => privileged(host, signal)],
    ['existing-deployment', (signal) => existing(host, signal)],
    ['packages', (signal) => packages(host, goal, signal)],
    ['os-configuration', (signal) => osConfiguration(host, signal)],
    ['nspawn-runtime', (signal) => nspawnRuntime(host, signal)],
    ...['docker', 'containerd', 'kubelet'].map((name): [string, Look] => [
      `${name}-active`,
      (signal) => active(host, name, signal),
    ]),
    ['swap', (signal) => swap(host, signal)],
    ['disk', (signal) => disk(host, signal)],
    ['cgroups', (signal) => cgroups(host, signal)],
    ['nvidia-driver', (signal) => nvidia(host, goal, signal)],
  ];
  return all.map(([name, check]) => ({ name, check }));
}

/** Without /proc it is a folder that stands for a host: roots run there as plain processes. */
export async function isFolderHost(host: HostDriver, signal: AbortSignal): Promise<boolean> {
  return (await host.stat('/proc', signal)) === undefined;
}

async function privileged(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const { isPrivileged } = await host.facts(signal);
  return [
    isPrivileged
      ? ok('user', 'runs commands as root')
      : failure('user', 'commands do not run as root; connect as root or allow sudo'),
  ];
}

async function existing(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const found = await Promise.all(
    FOREIGN.map(async (path) => ((await host.stat(path, signal)) === undefined ? [] : [path])),
  );
  const [path] = found.flat();
  return [
    path === undefined
      ? ok('host', 'no other node is installed')
      : failure(path, 'the host is a Kubernetes node of somebody else already; reset it first'),
  ];
}

async function packages(host: HostDriver, goal: RootFS, signal: AbortSignal): ReturnType<Look> {
  const wanted = ['tar', ...(goal.image === '' ? ['debootstrap'] : [])];
  const isFolder = await isFolderHost(host, signal);
  const needed = isFolder ? wanted : [...wanted, 'machinectl', 'nft', 'ip'];
  return Promise.all(
    needed.map(async (program): Promise<Omit<CheckResult, 'name'>> => {
      const { exitCode } = await host.exec([program, '--version'], { signal });
      if (exitCode !== NOT_FOUND) return ok(program, 'is there');
      return wanted.includes(program)
        ? failure(program, `is not there; install it on the host`)
        : warning(program, `is not there; install it on the host before its machine is started`);
    }),
  );
}

async function osConfiguration(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const { os, arch } = await host.facts(signal);
  if (os !== 'linux') return [failure(os, 'machines run on Linux only')];
  return [
    arch === 'amd64' || arch === 'arm64'
      ? ok(`linux/${arch}`, 'is supported')
      : failure(`linux/${arch}`, 'is not supported; there are linux/amd64 and linux/arm64'),
  ];
}

async function nspawnRuntime(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const target = 'systemd-nspawn';
  const { exitCode, stdout } = await host.exec([target, '--version'], { signal });
  const { hasSystemd } = await host.facts(signal);
  if (exitCode === NOT_FOUND)
    return (await isFolderHost(host, signal))
      ? [warning(target, 'is not there: /sbin/init of the root runs as a plain process')]
      : [failure(target, 'is not there; install systemd-container on the host')];
  if (!hasSystemd) return [failure(target, 'systemd is not process 1 of the host')];
  const version = Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? '0');
  return [
    version >= 239
      ? ok(target, `systemd ${version}`)
      : warning(target, `systemd ${version} is older than 239 and may not boot the image`),
  ];
}

async function active(host: HostDriver, name: string, signal: AbortSignal): ReturnType<Look> {
  const { isActive } = await host.services.state(`${name}.service`, signal);
  return [
    isActive
      ? warning(name, 'runs on the host and will share its network and disk with the machine')
      : ok(name, 'does not run on the host'),
  ];
}

async function swap(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const bytes = await host.readFile('/proc/swaps', signal);
  const devices = new TextDecoder()
    .decode(bytes ?? new Uint8Array())
    .trim()
    .split('\n')
    .slice(1);
  return [
    devices.length === 0
      ? ok('/proc/swaps', 'no swap is on')
      : warning('/proc/swaps', `${devices.length} on; a kubelet refuses to start unless told`),
  ];
}

async function disk(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const target = '/var/lib';
  let path = target;
  while (path !== '/' && (await host.stat(path, signal)) === undefined)
    path = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  const command = ['df', '--output=avail', '--block-size=1', path];
  const { stdout } = await host.exec(command, { signal });
  const bytes = Number(stdout.trim().split('\n').at(-1)?.trim());
  if (!Number.isFinite(bytes) || stdout.trim() === '')
    return [failure(target, 'the host does not say how much room there is')];
  const shown = `${(bytes / 2 ** 30).toFixed(1)} GiB are free`;
  return [
    bytes >= LEAST_DISK_BYTES ? ok(target, shown) : failure(target, `${shown}, 8 GiB are needed`),
  ];
}

async function cgroups(host: HostDriver, signal: AbortSignal): ReturnType<Look> {
  const target = '/sys/fs/cgroup';
  if (await isFolderHost(host, signal)) return [ok(target, FOLDER_HOST)];
  const bytes = await host.readFile(`${target}/cgroup.controllers`, signal);
  const controllers = new TextDecoder()
    .decode(bytes ?? new Uint8Array())
    .trim()
    .split(/\s+/);
  if (bytes === undefined)
    return [failure(target, 'no unified cgroups; boot with systemd.unified_cgroup_hierarchy=1')];
  const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.includes(name));
  return [
    missing.length === 0
      ? ok(target, 'has cpu, memory and pids')
      : failure(target, `lacks ${missing.join(', ')}`),
  ];
}

async function nvidia(host: HostDriver, goal: RootFS, signal: AbortSignal): ReturnType<Look> {
  const { devices, libraryFolders } = goal.devices.gpu;
  if (devices.length === 0) return [ok('nvidia', 'there is no GPU')];
  if (libraryFolders.length === 0)
    return [failure('nvidia', 'there is a GPU, and ldconfig knows no library of its driver')];
  const { exitCode } = await host.exec(['nvidia-smi', '--list-gpus'], { signal });
  return [
    exitCode === 0
      ? ok('nvidia', 'the driver answers')
      : warning('nvidia', 'nvidia-smi does not list the GPUs; the driver may not be loaded'),
  ];
}
