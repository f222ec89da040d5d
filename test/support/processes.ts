// Which processes run for a data directory: instances of the process runtime have their working directory below it. Linux only.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';

/** Lives, and is no zombie that nobody has waited for yet. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Ids of the processes whose working directory is below `folder`. */
export function processesBelow(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // A folder that was removed meanwhile reads `… (deleted)`.
        return `${readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '')}${sep}`.startsWith(
          `${folder}${sep}`,
        );
      } catch {
        return false;
      }
    })
    .filter(isRunning);
}
