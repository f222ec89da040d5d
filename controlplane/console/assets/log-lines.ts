// A log that goes on, as lines: what came so far of the last one is kept until its end comes, and the oldest go when there are too many.
// Pure.

export interface LogLines {
  readonly lines: readonly string[];
  /** Number of the first of them, counted from the beginning: what tells them apart. */
  readonly first: number;
  /** Without its end yet. */
  readonly rest: string;
}

export const NO_LINES: LogLines = { lines: [], first: 0, rest: '' };

const MOST_LINES = 1000;
/** One that has no end is cut. */
const LONGEST_LINE = 16 * 1024;

export function withText({ lines, first, rest }: LogLines, text: string): LogLines {
  const parts = `${rest}${text}`.split('\n').flatMap(cut);
  const last = parts.pop() ?? '';
  const all = [...lines, ...parts];
  const surplus = Math.max(0, all.length - MOST_LINES);
  return { lines: all.slice(surplus), first: first + surplus, rest: last };
}

function cut(line: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < line.length; at += LONGEST_LINE)
    pieces.push(line.slice(at, at + LONGEST_LINE));
  return pieces.length === 0 ? [''] : pieces;
}
