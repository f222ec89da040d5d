import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { readLog } from './log-reader.ts';
import { rotate } from './log-rotation.ts';
import { appendMark } from './log-times.ts';
import type { LogOptions } from './runtime.ts';

const never = new AbortController().signal;
const plain: LogOptions = { follow: false, timestamps: false };

async function inFolder(body: (logFile: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-log-'));
  try {
    await body(join(folder, '0.log'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function source(logFile: string, isRunning: () => boolean): Parameters<typeof readLog>[0] {
  return { logFile, clock: systemClock, isRunning };
}

async function read(logFile: string, options: Partial<LogOptions>): Promise<string> {
  const parts: Buffer[] = [];
  const log = readLog(
    source(logFile, () => false),
    { ...plain, ...options },
    never,
  );
  for await (const part of log) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** Lines `from` up to and without `to`. */
function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');
}

for (const { title, behind, rotations } of [
  { title: 'that keeps up through one rotation', behind: 10, rotations: 1 },
  { title: 'that has read nothing of what is rotated away', behind: 500, rotations: 1 },
  { title: 'that is two rotations behind', behind: 300, rotations: 2 },
]) {
  test(`readLog() gives every line once to a follower ${title}`, () =>
    inFolder(async (logFile) => {
      let next = 0;
      const write = (count: number): Promise<void> => {
        next += count;
        return appendFile(logFile, lines(next - count, next));
      };
      let running = true;
      await write(100);
      const log = readLog(
        source(logFile, () => running),
        { ...plain, follow: true },
        never,
      );
      let text = (await log.next()).value?.toString('utf8') ?? '';
      for (let rotation = 0; rotation < rotations; rotation += 1) {
        await write(behind);
        await rotate(logFile);
      }
      // More than was read before: a shorter file alone would not show that it was rotated.
      await write(1_000);
      running = false;
      for await (const part of log) text += part.toString('utf8');
      assert.equal(text, lines(0, next));
    }));
}

test('readLog() reads rotated files first, and tails across them', () =>
  inFolder(async (logFile) => {
    await appendFile(logFile, lines(0, 3));
    await rotate(logFile);
    await appendFile(logFile, lines(3, 5));
    for (const [tailLines, from] of [
      [0, 5],
      [1, 4],
      [2, 3],
      [3, 2],
      [5, 0],
      [99, 0],
    ] as const) {
      assert.equal(await read(logFile, { tailLines }), lines(from, 5), `tail ${tailLines}`);
    }
    assert.equal(await read(logFile, {}), lines(0, 5));
  }));

test('readLog() begins at the first line seen since the time asked for', () =>
  inFolder(async (logFile) => {
    let offset = 0;
    for (const time of [1_000, 2_000, 3_000]) {
      const text = `at ${time}\n`;
      offset += text.length;
      await appendFile(logFile, text);
      await appendMark(logFile, { offset, time });
    }
    assert.equal(await read(logFile, { sinceTime: 0 }), 'at 1000\nat 2000\nat 3000\n');
    assert.equal(await read(logFile, { sinceTime: 2_000 }), 'at 2000\nat 3000\n');
    assert.equal(await read(logFile, { sinceTime: 3_001 }), '');
    const stamped = await read(logFile, { sinceTime: 3_000, timestamps: true });
    assert.equal(stamped, '1970-01-01T00:00:03.000Z at 3000\n');
  }));

test('readLog() of a file that is not there is empty', () =>
  inFolder(async (logFile) => {
    assert.equal(await read(logFile, {}), '');
    assert.equal(await read(logFile, { follow: true, tailLines: 3 }), '');
  }));
