// Reads the log files of the process runtime the way `kubectl logs` asks: tail, since, follow, timestamps, limit. Knows files only.
// A rotation under a follower is noticed by a new copy beside the file; what was not read yet is then read from there.
import { open } from 'node:fs/promises';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { FILES_KEPT, identityOf, logSegments, rotatedName, sizeOf } from './log-rotation.ts';
import { offsetSince, readMarks, timeAt } from './log-times.ts';
import type { LogOptions } from './runtime.ts';

export interface LogSource {
  readonly logFile: string;
  readonly clock: Clock;
  /** False once nothing will be written any more: a follower then reads to the end and stops. */
  isRunning(): boolean;
}

const FOLLOW_INTERVAL_MS = 100;
const BLOCK_BYTES = 64 << 10;
const NEWLINE = 10;

interface Range {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** The bytes that the options ask for. Ends quietly when the signal aborts. */
export async function* readLog(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let left = options.limitBytes ?? Infinity;
  for await (const chunk of stampedOrRaw(source, options, signal)) {
    if (left <= 0) return;
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function* stampedOrRaw(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  // Before the sizes: a rotation from here on is noticed, and read again at most.
  let copy = await identityOf(rotatedName(source.logFile, 1));
  const ranges = await selectRanges(source.logFile, options);
  for (const range of ranges) yield* withTimes(source, range, options);
  if (!options.follow) return;
  const last = ranges.at(-1);
  let position = last?.path === source.logFile ? last.end : 0;
  while (!signal.aborted) {
    // Asked before reading, so that what is written last is still read.
    const running = source.isRunning();
    const newest = await identityOf(rotatedName(source.logFile, 1));
    if (newest !== copy) {
      for (const range of await rotatedRanges(source.logFile, copy, position))
        yield* withTimes(source, range, options);
      copy = newest;
      position = 0;
    }
    const path = source.logFile;
    const size = (await sizeOf(path)) ?? 0;
    // Shorter: the truncation of a rotation whose copy is about to get its name.
    if (size > position) {
      const range = { path, start: position, end: size };
      for await (const chunk of withTimes(source, range, options, (bytes) => (position += bytes)))
        yield chunk;
    }
    if (!running && size <= position) return;
    try {
      await sleep(source.clock, FOLLOW_INTERVAL_MS, signal);
    } catch {
      return;
    }
  }
}

/** What was rotated away beyond `position` since the newest copy was `known`, oldest first. */
async function rotatedRanges(
  logFile: string,
  known: string | undefined,
  position: number,
): Promise<Range[]> {
  const ranges: Range[] = [];
  for (let age = 1; age < FILES_KEPT; age += 1) {
    const path = rotatedName(logFile, age);
    const identity = await identityOf(path);
    if (identity === undefined || identity === known) break;
    ranges.unshift({ path, start: 0, end: (await sizeOf(path)) ?? 0 });
  }
  const [oldest, ...newer] = ranges;
  if (oldest === undefined) return [];
  // The position is one in the oldest of them, unless rotations went past a reader that is far behind.
  const start = Math.min(position, oldest.end);
  return [{ ...oldest, start }, ...newer];
}

/** Which parts of which files, oldest first. */
async function selectRanges(logFile: string, options: LogOptions): Promise<Range[]> {
  const ranges: Range[] = [];
  for (const path of await logSegments(logFile)) {
    const end = (await sizeOf(path)) ?? 0;
    const since = options.sinceTime;
    const marked = since === undefined ? 0 : offsetSince(await readMarks(path), since);
    ranges.push({ path, start: await lineStart(path, Math.min(marked, end), end), end });
  }
  if (options.tailLines === undefined) return ranges;
  return tail(ranges, options.tailLines);
}

async function tail(ranges: readonly Range[], lines: number): Promise<Range[]> {
  const kept: Range[] = [];
  let wanted = lines;
  for (const range of ranges.toReversed()) {
    const found = await lastLines(range, wanted);
    wanted -= found.lines;
    kept.unshift({ ...range, start: found.start });
    if (wanted <= 0) break;
  }
  return kept;
}

/** The first line start at or after `offset`. */
async function lineStart(path: string, offset: number, end: number): Promise<number> {
  if (offset === 0) return 0;
  let position = offset - 1;
  for await (const block of blocks({ path, start: position, end })) {
    const at = block.indexOf(NEWLINE);
    if (at >= 0) return position + at + 1;
    position += block.length;
  }
  return end;
}

/** Where the last `wanted` lines of the range begin, and how many there are. A last line without newline counts. */
async function lastLines(range: Range, wanted: number): Promise<{ start: number; lines: number }> {
  if (wanted <= 0) return { start: range.end, lines: 0 };
  await using file = await open(range.path, 'r');
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let lines = 0;
  let end = range.end;
  while (end > range.start) {
    const start = Math.max(range.start, end - BLOCK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index -= 1) {
      // The newline at the very end closes the last line; any other one opens the line after it.
      if (buffer[index] !== NEWLINE || start + index === range.end - 1) continue;
      lines += 1;
      if (lines === wanted) return { start: start + index + 1, lines };
    }
    end = start;
  }
  return { start: range.start, lines: range.end > range.start ? lines + 1 : 0 };
}

async function* blocks(range: Range): AsyncGenerator<Buffer, void, undefined> {
  await using file = await open(range.path, 'r');
  let position = range.start;
  while (position < range.end) {
    const size = Math.min(BLOCK_BYTES, range.end - position);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* withTimes(
  source: LogSource,
  range: Range,
  options: LogOptions,
  read: (bytes: number) => void = () => undefined,
): AsyncGenerator<Buffer, void, undefined> {
  if (!options.timestamps) {
    for await (const block of blocks(range)) {
      read(block.length);
      yield block;
    }
    return;
  }
  const marks = await readMarks(range.path);
  const stamp = (offset: number): Buffer =>
    Buffer.from(`${isoTime(timeAt(marks, offset, source.clock.now()))} `);
  let offset = range.start;
  let atLineStart = offset === 0 || (await lineStart(range.path, offset, range.end)) === offset;
  for await (const block of blocks(range)) {
    const parts: Buffer[] = [];
    let from = 0;
    while (from < block.length) {
      if (atLineStart) parts.push(stamp(offset + from));
      const newline = block.indexOf(NEWLINE, from);
      const to = newline < 0 ? block.length : newline + 1;
      parts.push(block.subarray(from, to));
      atLineStart = newline >= 0;
      from = to;
    }
    offset += block.length;
    read(block.length);
    yield Buffer.concat(parts);
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
