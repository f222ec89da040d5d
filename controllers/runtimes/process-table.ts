// What the operating system says about processes: who is alive, since when, and which ones carry our marker.
// Linux answers from /proc, macOS from ps. A process id alone proves nothing (ids are reused), so identity is id + start time
// within one boot. A zombie counts as gone: PID 1 may take its time to reap it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const isLinux = process.platform === 'linux';

/** Every process that the process runtime starts carries this variable; its value names the container. */
export const MARKER = 'WINDLASS_CONTAINER_ID';

export interface ProcessFacts {
  readonly pid: number;
  readonly processGroup: number;
  /** Opaque; equal only for the same process of the same boot. */
  readonly startTime: string;
  readonly zombie: boolean;
  /** By SIGSTOP or the like; not by a debugger. */
  readonly stopped: boolean;
}

/** Parses `/proc/<pid>/stat`; the command name in it may hold spaces and parentheses. */
export function parseStat(text: string): ProcessFacts | undefined {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const [state, , group] = fields;
  const startTime = fields[19];
  if (end < 0 || state === undefined || group === undefined || startTime === undefined) {
    return undefined;
  }
  return {
    pid: Number.parseInt(text, 10),
    processGroup: Number(group),
    startTime,
    zombie: state === 'Z' || state === 'X',
    stopped: state === 'T',
  };
}

/** Parses one line of `ps -o pid=,pgid=,stat=,lstart=`. */
export function parsePsLine(line: string): ProcessFacts | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
  if (match === null) return undefined;
  const [, pid = '', group = '', state = '', startTime = ''] = match;
  return {
    pid: Number(pid),
    processGroup: Number(group),
    startTime,
    zombie: state.startsWith('Z'),
    stopped: state.startsWith('T'),
  };
}

const PS_COLUMNS = 'pid=,pgid=,stat=,lstart=';

/** The facts of one process, or undefined when there is none with that id. */
export async function lookUp(pid: number): Promise<ProcessFacts | undefined> {
  try {
    if (isLinux) return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
    const { stdout } = await run('ps', ['-o', PS_COLUMNS, '-p', String(pid)]);
    return parsePsLine(stdout);
  } catch {
    return undefined;
  }
}

/** Like lookUp(), at once: used directly after a spawn, before anything else can happen. Linux only; elsewhere undefined. */
export function lookUpSync(pid: number): ProcessFacts | undefined {
  if (!isLinux) return undefined;
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

async function all(): Promise<ProcessFacts[]> {
  if (!isLinux) {
    const { stdout } = await run('ps', ['-ax', '-o', PS_COLUMNS], { maxBuffer: 16 << 20 });
    return stdout.split('\n').flatMap((line) => parsePsLine(line) ?? []);
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => lookUp(Number(pid))));
  return found.flatMap((facts) => facts ?? []);
}

/** Living members of a process group. */
export async function groupMembers(processGroup: number): Promise<number[]> {
  const processes = await all();
  return processes
    .filter((facts) => facts.processGroup === processGroup && !facts.zombie)
    .map((facts) => facts.pid);
}

/**
 * Living processes by the value of their MARKER variable, or of another such, oldest first. Processes of other users and those
 * that erased their environment stay unseen.
 */
export async function markedProcesses(
  variable: string = MARKER,
): Promise<Map<string, ProcessFacts[]>> {
  const marked = new Map<string, ProcessFacts[]>();
  for (const facts of await all()) {
    if (facts.zombie) continue;
    const marker = await markerOf(facts.pid, variable);
    if (marker === undefined) continue;
    const list = marked.get(marker) ?? [];
    list.push(facts);
    marked.set(marker, list);
  }
  for (const list of marked.values()) {
    list.sort((a, b) => compareStart(a, b));
  }
  return marked;
}

function compareStart(a: ProcessFacts, b: ProcessFacts): number {
  const difference = isLinux ? Number(a.startTime) - Number(b.startTime) : 0;
  return difference === 0 ? a.pid - b.pid : difference;
}

async function markerOf(pid: number, variable: string): Promise<string | undefined> {
  const environment = await environmentText(pid);
  return environment.match(new RegExp(`(?:^|[\\0 ])${variable}=([0-9a-f]{32})(?:[\\0 ]|$)`))?.[1];
}

async function environmentText(pid: number): Promise<string> {
  try {
    if (isLinux) return await readFile(`/proc/${pid}/environ`, 'latin1');
    const { stdout } = await run('ps', ['-E', '-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout;
  } catch {
    return ''; // gone meanwhile, or somebody else's
  }
}

/** The environment a living process was started with; undefined where the system does not tell (macOS). */
export async function environmentOf(pid: number): Promise<Record<string, string> | undefined> {
  if (!isLinux) return undefined;
  try {
    const text = await readFile(`/proc/${pid}/environ`, 'utf8');
    const pairs = text
      .split('\0')
      .filter((line) => line.includes('='))
      .map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      });
    return Object.fromEntries(pairs);
  } catch {
    return undefined;
  }
}

/** Changes with every boot, so that a process id noted before one is never mistaken for a process after it. */
export async function bootID(): Promise<string> {
  if (isLinux) return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const { stdout } = await run('sysctl', ['-n', 'kern.boottime']);
  return stdout.trim();
}

/** Sends a signal and says whether there was anyone to receive it. A negative id means a process group. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
