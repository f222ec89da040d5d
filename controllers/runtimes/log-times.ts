// When the lines of a log file were written. Instances write straight to their files, which therefore carry no times; the
// supervisor notes every second how long a file has become, and that is what `--timestamps` and `--since` go by: the time a line
// was first seen, up to a second late, and for lines written while no agent ran, the time of its next start.
import { appendFile, readFile } from 'node:fs/promises';

/** At `time` (ms since the epoch) the file was `offset` bytes long. */
export interface LogMark {
  readonly offset: number;
  readonly time: number;
}

export const TIMES_SUFFIX = '.times';

export async function appendMark(logFile: string, mark: LogMark): Promise<void> {
  await appendFile(`${logFile}${TIMES_SUFFIX}`, `${mark.offset} ${mark.time}\n`, { mode: 0o600 });
}

/** In the order of offsets; empty when nothing is known. */
export async function readMarks(logFile: string): Promise<LogMark[]> {
  let text: string;
  try {
    text = await readFile(`${logFile}${TIMES_SUFFIX}`, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [offset, time] = line.split(' ').map(Number);
    return line === '' || offset === undefined || time === undefined || Number.isNaN(offset + time)
      ? []
      : [{ offset, time }];
  });
}

/** When the line that starts at `offset` was first seen; `now` when no mark reaches beyond it. */
export function timeAt(marks: readonly LogMark[], offset: number, now: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((marks[middle]?.offset ?? Infinity) > offset) high = middle;
    else low = middle + 1;
  }
  return marks[low]?.time ?? now;
}

/** Where the lines first seen at or after `since` begin: everything before that offset is older. */
export function offsetSince(marks: readonly LogMark[], since: number): number {
  return marks.findLast((mark) => mark.time < since)?.offset ?? 0;
}
