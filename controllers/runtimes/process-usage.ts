// What process trees use, from /proc: CPU since they began, and resident memory. Linux only.
import { readdir, readFile } from 'node:fs/promises';

export interface ProcessUse {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Of itself and of its children that have ended. */
  readonly cpuTicks: number;
}

/** The kernel counts for programs in hundredths of a second, whatever its own clock. */
const NANOSECONDS_A_TICK = 10_000_000;

/** Parses `/proc/<pid>/stat`; the command name in it may hold spaces and parentheses. */
export function parseUse(text: string): ProcessUse | undefined {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const times = fields.slice(11, 15).map(Number);
  if (end < 0 || times.length < 4 || times.some((time) => !Number.isFinite(time))) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    cpuTicks: times.reduce((sum, time) => sum + time, 0),
  };
}

/**
 * The processes that a leader brought forth: what descends from it, and what is in its group. A program may erase its environment and
 * change its name, so neither is asked.
 */
export function familyOf(leader: number, all: readonly ProcessUse[]): readonly ProcessUse[] {
  const family = new Set([leader]);
  // Children may come before their parents.
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const { pid, parent, group } of all)
      if (family.has(parent) || group === leader) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/** By process id of the leader. Leaders that have ended are left out. */
export async function useOfFamilies(
  leaders: readonly number[],
): Promise<ReadonlyMap<number, { readonly cpuNanoseconds: number; readonly memoryBytes: number }>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(pids.map((pid) => textOf(`/proc/${pid}/stat`)))).flatMap(
    (text) => parseUse(text) ?? [],
  );
  const found = new Map<number, { cpuNanoseconds: number; memoryBytes: number }>();
  for (const leader of leaders) {
    const family = familyOf(leader, all);
    if (!family.some(({ pid }) => pid === leader)) continue;
    const memory = await Promise.all(family.map(({ pid }) => residentBytes(pid)));
    found.set(leader, {
      cpuNanoseconds: sum(family.map(({ cpuTicks }) => cpuTicks)) * NANOSECONDS_A_TICK,
      memoryBytes: sum(memory),
    });
  }
  return found;
}

async function residentBytes(pid: number): Promise<number> {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(await textOf(`/proc/${pid}/status`))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** '' when the process is gone meanwhile. */
async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
