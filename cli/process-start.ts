// When a process started: tells the one that wrote its id to a file from a later one that happens to have the same id.
import { readFileSync } from 'node:fs';

/**
 * Milliseconds since the epoch, or undefined when no such process runs (a zombie runs no more). Where the system does not tell
 * the time (no /proc), 0 for any process that lives.
 */
export function processStart(pid: number): number | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and is another user's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  if (process.platform !== 'linux') return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, so fields are counted behind it: state is the 3rd of all, starttime the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const bootedAt = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
    // In ticks of 1/100 s on every Linux that Node runs on.
    return (bootedAt + Number(fields[19]) / 100) * 1000;
  } catch {
    return undefined;
  }
}
