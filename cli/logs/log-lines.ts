// Lines of logs with the times that the server puts in front of them: reading, ordering, and going on after a break. Pure.

export interface LogLine {
  /** Which instance, and container where it has several. */
  readonly source: string;
  /** As the server wrote it, RFC 3339 with nanoseconds; '' when the line has none. */
  readonly time: string;
  readonly text: string;
}

const STAMPED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) (.*)$/s;

export function parseLogLine(source: string, line: string): LogLine {
  const [, time = '', text = line] = STAMPED.exec(line) ?? [];
  return { source, time, text };
}

/** Text that orders as the times do: fractions of different length are not comparable as they are. */
export function timeKey(time: string): string {
  const [seconds = '', fraction = ''] = time.replace(/Z$/, '').split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

/** All lines by time; those of one source keep their order, and a line without a time stays behind the one before it. */
export function mergeLogs(logs: readonly (readonly LogLine[])[]): readonly LogLine[] {
  const keyed = logs.flatMap((lines) => {
    let last = '';
    return lines.map((line) => {
      const key = timeKey(line.time);
      if (line.time !== '' && key > last) last = key;
      return { key: last, line };
    });
  });
  return keyed
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ line }) => line);
}

/** `web-abcde | text`, prefixes padded to `width`. */
export function formatLogLine(
  { source, time, text }: LogLine,
  { width, timestamps }: { readonly width: number; readonly timestamps: boolean },
): string {
  const stamp = timestamps && time !== '' ? `${time} ` : '';
  return `${source.padEnd(width)} | ${stamp}${text}\n`;
}

/** Where a log was left: what is read again from about there is told from what is new. */
export class LogPosition {
  #last = '';
  /** How many lines of that very time were seen, and how many of them came again since. */
  #seen = 0;
  #again = 0;

  /** Time of the last line; '' before the first. */
  get time(): string {
    return this.#last;
  }

  /** Call before reading again. */
  rewind(): void {
    this.#again = 0;
  }

  /** Whether the line is new. */
  accept({ time }: LogLine): boolean {
    if (time === '') return true;
    if (this.#last !== '' && timeKey(time) < timeKey(this.#last)) return false;
    if (time !== this.#last) {
      this.#last = time;
      this.#seen = 1;
      this.#again = 1;
      return true;
    }
    this.#again += 1;
    if (this.#again <= this.#seen) return false;
    this.#seen = this.#again;
    return true;
  }
}
