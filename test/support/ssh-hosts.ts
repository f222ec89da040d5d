// Hosts behind Debian's sshd. As root each is a network namespace with an address, a hostname, and its own view of /etc, /usr, /var, /opt
// and /srv, so that nothing of this machine is changed; otherwise it is a port of this machine with the files of whoever runs the test.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';
import type { Machine } from './machines.ts';
import { tempDir } from './temp-dir.ts';

const SSHD = '/usr/sbin/sshd';

/** Why none can be had here; undefined when all is there. */
export function missingForSsh(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  return [SSHD, '/usr/bin/ssh-keygen'].find((path) => !existsSync(path))?.replace(/^/, 'needs ');
}

export interface SshHostOptions {
  /** Where it runs; absent: on a port of 127.0.0.1. */
  readonly machine?: Machine;
  readonly hostname?: string;
  /** Shell commands that prepare the host, as root, in its own view of the files. Only with a machine. */
  readonly prepare?: string;
  /** Further lines of sshd_config. */
  readonly configuration?: readonly string[];
}

export interface SshKeys {
  /** In PEM, without a passphrase. */
  readonly privateKey: string;
  /** A line of a public key, as `hostKey` of a connection takes it. */
  readonly hostKey: string;
  /** Of the host's public key, as ssh-keygen prints it. */
  readonly fingerprint: string;
}

export interface TestSshHost extends SshKeys {
  readonly address: string;
  readonly port: number;
  /** Who may log in: root, or whoever runs the test. */
  readonly user: string;
  /** Files of the fixture. */
  readonly folder: string;
  /** Process of the sshd that listens. */
  readonly pid: () => number;
  /** Ends the connections of now; new ones are taken. */
  dropConnections(): void;
  /** Nobody listens any more, and connections end. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** A new key pair; the public half as a line. */
export function newKey(path: string, type = 'ed25519'): string {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'test', '-f', path]);
  return readFileSync(`${path}.pub`, 'utf8').trim();
}

/**
 * Makes keys and `sshd_config` in a folder.
 *
 * @param asSeen how the sshd will see that folder; by default as we do
 */
export function writeSshd(
  folder: string,
  { listen, more = [] }: { readonly listen: string; readonly more?: readonly string[] | undefined },
  asSeen = folder,
): SshKeys {
  const hostKey = newKey(join(folder, 'host_key')).split(' ').slice(0, 2).join(' ');
  writeFileSync(join(folder, 'authorized_keys'), `${newKey(join(folder, 'key'))}\n`);
  const lines = [
    `ListenAddress ${listen}`,
    `HostKey ${asSeen}/host_key`,
    `PidFile ${asSeen}/pid`,
    `AuthorizedKeysFile ${asSeen}/authorized_keys`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'Subsystem sftp internal-sftp',
    'MaxStartups 100',
    ...more,
    '',
  ];
  writeFileSync(join(folder, 'sshd_config'), lines.join('\n'));
  const shown = execFileSync('ssh-keygen', ['-lf', join(folder, 'host_key.pub')], {
    encoding: 'utf8',
  });
  return {
    privateKey: readFileSync(join(folder, 'key'), 'utf8'),
    hostKey,
    fingerprint: shown.split(' ')[1] ?? '',
  };
}

/** Whoever called it stops it. */
export async function startSshHost(options: SshHostOptions = {}): Promise<TestSshHost> {
  const { machine, hostname = 'host' } = options;
  const folder = tempDir();
  // Whoever logs in must be able to read authorized_keys.
  chmodSync(folder, 0o711);
  const address = machine?.address ?? '127.0.0.1';
  const port = machine === undefined ? await freePort() : 22;
  const user = machine === undefined ? userInfo().username : 'root';
  const keys = writeSshd(folder, { listen: `${address}:${port}`, more: options.configuration });
  const command = [SSHD, '-D', '-f', `${folder}/sshd_config`, '-E', `${folder}/log`];
  const script = [...ownView(folder, hostname), options.prepare ?? '', 'exec "$@"'].join('\n');
  // Where packages are installed without starting anything, nobody has made it.
  if (machine === undefined && process.getuid?.() === 0)
    mkdirSync('/run/sshd', { recursive: true });
  const launch = (): ChildProcess =>
    machine === undefined
      ? spawn(SSHD, command.slice(1), { stdio: 'ignore' })
      : machine.spawn([
          'unshare',
          '--mount',
          '--uts',
          '--propagation',
          'private',
          'sh',
          '-ec',
          script,
          'sh',
          ...command,
        ]);
  let running: ChildProcess | undefined;
  const host: TestSshHost = {
    address,
    port,
    user,
    ...keys,
    folder,
    pid: () => running?.pid ?? 0,
    dropConnections() {
      for (const pid of childrenOf(running?.pid ?? 0)) process.kill(pid, 'SIGKILL');
    },
    async stop() {
      if (running === undefined) return;
      const gone = once(running, 'exit');
      const children = childrenOf(running.pid ?? 0);
      running.kill('SIGKILL');
      for (const pid of children) process.kill(pid, 'SIGKILL');
      await gone;
      running = undefined;
    },
    async start() {
      const child = launch();
      running = child;
      await eventually(`sshd of ${hostname} answers`, async () => {
        if (child.exitCode !== null) throw new Error(readFileSync(join(folder, 'log'), 'utf8'));
        await greeting(address, port);
      });
    },
  };
  await host.start();
  return host;
}

/** What is written below these folders stays in memory and is gone with the host. */
function ownView(folder: string, hostname: string): readonly string[] {
  mkdirSync(join(folder, 'view'));
  return [
    `hostname ${hostname}`,
    `mount -t tmpfs tmpfs ${folder}/view`,
    `for d in etc usr var opt srv home; do mkdir -p ${folder}/view/$d/up ${folder}/view/$d/work`,
    `mount -t overlay overlay -o lowerdir=/$d,upperdir=${folder}/view/$d/up,workdir=${folder}/view/$d/work /$d; done`,
    'mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/sshd',
    // Shells there would run what whoever uses this machine has set up.
    'mount -t tmpfs -o mode=700 tmpfs /root',
    `echo "127.0.0.1 localhost ${hostname}" >/etc/hosts; echo ${hostname} >/etc/hostname`,
    'tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id',
  ];
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Resolves when somebody says that it speaks SSH. */
async function greeting(address: string, port: number): Promise<void> {
  const socket = connect({ host: address, port });
  try {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(5_000) })) as [
      Buffer,
    ];
    if (!chunk.toString('latin1').startsWith('SSH-')) throw new Error('something else answers');
  } finally {
    socket.destroy();
  }
}
