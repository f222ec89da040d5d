// Gives a process a resolver configuration of its own, without touching the machine's: a mount namespace in which another file lies
// over /etc/resolv.conf. Where the system does not allow that, the process has the machine's.
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Placement } from './process-placement.ts';
import type { ContainerSpec } from './runtime.ts';

const run = promisify(execFile);
const UNSHARE = '/usr/bin/unshare';
const SHELL = '/bin/sh';
/** What a program with its arguments is run through. As the shell replaces itself, its id stays. */
const SCRIPT =
  'mount --bind "$1" /etc/resolv.conf 2>/dev/null && { [ ! -e "$2" ] || mount --bind "$2" /etc/nsswitch.conf 2>/dev/null; }; shift 2; exec "$@"';
const PROBE_LIMIT_MS = 5_000;
/** Names go to files and DNS only: a resolver daemon of the machine would not ask ours. */
const NAME_SERVICES = 'passwd: files\ngroup: files\nhosts: files dns\n';

let probed: Promise<boolean> | undefined;

/** Whether this machine lets us. Found out once. */
function isPossible(): Promise<boolean> {
  probed ??= probe();
  return probed;
}

async function probe(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    const test = 'mount --bind /dev/null /etc/resolv.conf';
    await run(UNSHARE, ['--mount', '--propagation', 'slave', SHELL, '-c', test], {
      timeout: PROBE_LIMIT_MS,
    });
    return true;
  } catch {
    return false;
  }
}

/** The same program, with the resolver that its Pod asks for where that can be had. */
export async function withResolver(placement: Placement, spec: ContainerSpec): Promise<Placement> {
  const { servers, searches, options } = spec.sandbox.spec.dns;
  if (servers.length === 0 || !(await isPossible())) return placement;
  const folder = join(spec.podDirectory, '..', 'resolver');
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const lines = [
    ...servers.map((server) => `nameserver ${server}`),
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ];
  const resolver = join(folder, 'resolv.conf');
  await writeFile(resolver, `${lines.join('\n')}\n`, { mode: 0o644 });
  const switchFile = await nameServices(folder);
  const { program, args, workingDirectory } = placement;
  return {
    program: UNSHARE,
    args: [
      '--mount',
      '--propagation',
      'slave',
      SHELL,
      '-c',
      SCRIPT,
      'windlass',
      resolver,
      switchFile,
      program,
      ...args,
    ],
    workingDirectory,
  };
}

/** A path that does not exist where the machine asks no daemon anyway. */
async function nameServices(folder: string): Promise<string> {
  const file = join(folder, 'nsswitch.conf');
  const usesDaemon = await access('/run/systemd/resolve/io.systemd.Resolve').then(
    () => true,
    () => false,
  );
  if (usesDaemon) await writeFile(file, NAME_SERVICES, { mode: 0o644 });
  return file;
}
