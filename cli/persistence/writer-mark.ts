// Names this process in the name of a file that it writes, so that another one can tell later whether it still lives: process ids mean
// something only within one start of one machine and one namespace, which are part of the mark.
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import type { Owner } from '#persistence/backup/remove-partials.ts';
import { processStart } from '../process-start.ts';

const MARK = /^([0-9a-f]{12})-(\d{1,10})-(\d{1,16})-[0-9a-f]+$/;

/** @param random hexadecimal digits that set two files of one process apart */
export function writerMark(random: string): string {
  const { pid } = process;
  return `${here() ?? '0'.repeat(12)}-${pid}-${startOf(pid) ?? 0}-${random}`;
}

export function ownerOf(mark: string): Owner {
  const [, place, pid, start] = MARK.exec(mark) ?? [];
  if (place === undefined) return 'Unmarked';
  if (place !== here()) return 'Unknown';
  return startOf(Number(pid)) === Number(start) ? 'Alive' : 'Gone';
}

/** Undefined where the system does not tell. */
function here(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    return createHash('sha256').update(`${boot} ${namespace}`).digest('hex').slice(0, 12);
  } catch {
    return undefined;
  }
}

function startOf(pid: number): number | undefined {
  const start = processStart(pid);
  return start === undefined ? undefined : Math.round(start);
}
