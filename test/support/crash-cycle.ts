// One round of writing, dying and looking: log-writer.ts writes, at a random moment it is killed or its disk loses power, and
// log-oracle.ts looks at what is left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultDisk } from './fault-disk.ts';
import { checkLog } from './log-oracle.ts';
import type { LogStore } from './log-oracle.ts';
import type { Random } from './seed.ts';

const WRITER = fileURLToPath(new URL('log-writer.ts', import.meta.url));

export interface CrashCycle {
  /** `sqlite` by default. */
  readonly store?: LogStore;
  readonly path: string;
  readonly random: Random;
  /** Cuts the power of this disk, on which the path lies; without one the writer is killed. */
  readonly disk?: FaultDisk;
  /** The newest revision that was there before. */
  readonly before: number;
}

/** @returns the newest revision after it */
export async function crashCycle(cycle: CrashCycle): Promise<number> {
  const { store = 'sqlite', path, random, disk, before } = cycle;
  const batches = 1 + random.next(120);
  const delay = random.next(12);
  const share = random.next(101);
  const child = spawn(process.execPath, [WRITER, store, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let acknowledged = before;
  let seen = 0;
  let died: Promise<void> | undefined;
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const die = async (): Promise<void> => {
    await pause(delay);
    await disk?.cut(random.next(1 << 30), share);
    child.kill('SIGKILL');
  };
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Math.max(acknowledged, Number(line));
    seen += 1;
    if (seen === batches) died = die();
  }
  assert.ok(died !== undefined, `the writer ended by itself after ${seen} batches: ${complaint}`);
  await died;
  await disk?.powerOn();
  const found = await checkLog(store, path, acknowledged);
  assert.ok(found > before);
  return found;
}
