// Machines of a test: network namespaces of their own on one bridge, never routed off this machine. Needs Linux, root and iproute2.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { sweepMachines } from './sweep-machines.ts';

/** Why none can be had here; undefined when all is there. */
export function missingForMachines(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  for (const program of ['ip', 'iptables', 'nsenter', 'unshare', 'tcpdump'])
    if (!onPath(program)) return `needs ${program}`;
  return undefined;
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(':')
    .some((folder) => existsSync(`${folder}/${program}`));
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', [...args], { stdio: 'pipe' });
}

/** One of them. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  /** Starts a program there. */
  spawn(command: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs a program there to its end. @returns its output. @throws Error when it fails or takes longer than 20 s */
  run(command: readonly string[]): string;
}

interface SpawnOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio?: StdioOptions;
}

export interface Machines {
  /** Hooks for what runs on the machines: called before these are taken away, last one first. */
  readonly after: (hook: () => Promise<void> | void) => void;
  /** Of this machine on the bridge between them. */
  readonly gateway: string;
  readonly bridge: string;
  readonly all: readonly Machine[];
}

/** Of this process. The kernel takes a namespace's links away when it gets round to it, so that no name is used twice. */
let machinesMade = 0;

/** Gone after the test, with their processes' network. */
export function startMachines(t: Pick<TestContext, 'after'>, count: number): Machines {
  sweepMachines();
  const bridge = `wlb${process.pid}`.slice(0, 15);
  // Tests that run at the same time have ids that differ by much less than 8,192.
  const prefix = `10.${192 + ((process.pid >> 8) % 32)}.${process.pid % 256}`;
  const gateway = `${prefix}.1`;
  const accept = ['FORWARD', '-i', bridge, '-o', bridge, '-j', 'ACCEPT'];
  const made: { readonly name: string; readonly link: string }[] = [];
  const hooks: (() => Promise<void> | void)[] = [];
  t.after(async () => {
    for (const hook of hooks.toReversed()) await hook();
    for (const { name, link } of made) {
      if (existsSync(`/sys/class/net/${link}`)) ip('link', 'del', link);
      ip('netns', 'del', name);
    }
    execFileSync('iptables', ['-w', '-D', ...accept]);
    ip('link', 'del', bridge);
  });
  ip('link', 'add', bridge, 'type', 'bridge');
  ip('addr', 'add', `${gateway}/24`, 'dev', bridge);
  ip('link', 'set', bridge, 'up');
  // An Engine in the root namespace drops what goes from one machine to another.
  execFileSync('iptables', ['-w', '-I', ...accept]);
  const all = Array.from({ length: count }, (_, index) => {
    machinesMade += 1;
    const name = `wln${process.pid}x${machinesMade}`;
    const link = `wlv${process.pid}x${machinesMade}`;
    const address = `${prefix}.${11 + index}`;
    ip('netns', 'add', name);
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    made.push({ name, link });
    ip('link', 'set', link, 'master', bridge, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', gateway);
    return machine(name, address);
  });
  return { after: (hook) => void hooks.push(hook), gateway, bridge, all };
}

function machine(name: string, address: string): Machine {
  // Not `ip netns exec`: it would hide /sys/fs/cgroup, which an Engine needs.
  const enter = [`--net=/run/netns/${name}`, '--'];
  return {
    name,
    address,
    spawn: (command, { env, stdio = 'ignore' } = {}) =>
      spawn('nsenter', [...enter, ...command], { env: { ...process.env, ...env }, stdio }),
    run: (command) =>
      execFileSync('nsenter', [...enter, ...command], { encoding: 'utf8', timeout: 120_000 }),
  };
}
