// Takes away what machines of a test left behind whose process was killed: only what has our names, and whose process is no more.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const NAMESPACE = /^wln(\d+)x\d+$/;
const BRIDGE = /^wlb(\d+)$/;
/** Bridges, and what led from them to machines: a process that lives on in a namespace keeps that. */
const LINK = /^wl[bv](\d+)(?:x\d+)?$/;
const RULE = /^-A (FORWARD -i (wlb\d+) -o wlb\d+ -j ACCEPT)$/;

export interface LeftOver {
  readonly namespaces: readonly string[];
  readonly links: readonly string[];
  /** As iptables takes them after -D. */
  readonly rules: readonly string[];
}

/** @param isAlive whether there is a process of this id */
export function leftOver(
  there: {
    readonly namespaces: readonly string[];
    readonly links: readonly string[];
    /** As `iptables -S` prints them. */
    readonly rules: readonly string[];
  },
  isAlive: (pid: number) => boolean,
): LeftOver {
  const isDead = (name: string, form: RegExp): boolean => {
    const [, pid] = form.exec(name) ?? [];
    return pid !== undefined && !isAlive(Number(pid));
  };
  return {
    namespaces: there.namespaces.filter((name) => isDead(name, NAMESPACE)),
    links: there.links.filter((name) => isDead(name, LINK)),
    rules: there.rules.flatMap((line) => {
      const [, rule = '', bridge = ''] = RULE.exec(line.trim()) ?? [];
      return isDead(bridge, BRIDGE) ? [rule] : [];
    }),
  };
}

/** What another test takes away at the same moment is gone all the same. */
export function sweepMachines(): void {
  const found = leftOver(
    {
      namespaces: names('/run/netns'),
      links: names('/sys/class/net'),
      rules: output('iptables', ['-w', '-S', 'FORWARD']).split('\n'),
    },
    (pid) => existsSync(`/proc/${pid}`),
  );
  for (const name of found.namespaces) {
    for (const pid of output('ip', ['netns', 'pids', name]).split('\n').filter(Boolean))
      attempt(() => process.kill(Number(pid), 'SIGKILL'));
    output('ip', ['netns', 'del', name]);
  }
  for (const link of found.links) output('ip', ['link', 'del', link]);
  for (const rule of found.rules) output('iptables', ['-w', '-D', ...rule.split(' ')]);
}

function names(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function output(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, [...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch {
    return '';
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // It has ended by itself.
  }
}
