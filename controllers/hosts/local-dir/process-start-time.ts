// When a process began, to tell it from a later one with the same id.
import { readFile } from 'node:fs/promises';

/**
 * Undefined: there is no such process, or it has ended and only waits to be forgotten. Where there is no /proc, processes cannot be
 * told apart: the answer is then always the same text while the id is in use.
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return 'unknown';
    } catch {
      return undefined;
    }
  }
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold anything; what follows does not.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  if (text === '' || state === 'Z' || state === 'X') return undefined;
  return fields[19];
}
