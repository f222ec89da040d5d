// kill -9 at named points of writing, linking, syncing, compacting and deleting: what was acknowledged is there, nothing is there by
// halves, and the next opening goes on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { DirectoryBlobStore } from './directory-store.ts';
import { SegmentEngine } from './segment-engine.ts';

const POINTS = [
  'before-write',
  'before-fsync',
  'after-fsync',
  'before-link',
  'after-link',
  'after-directory-fsync',
  'before-delete',
  'after-delete',
];

/** Appends batches of three, compacts at times, prints what is durable, and dies when a point is reached for the n-th time. */
function source(path: string, point: string, times: number, writer: string): string {
  const file = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { writeSync } from 'node:fs';
    const { DirectoryBlobStore } = await import(${file('directory-store.ts')});
    const { SegmentEngine } = await import(${file('segment-engine.ts')});
    let left = ${times};
    const at = (point) => {
      if (point === '${point}' && --left === 0) process.kill(process.pid, 'SIGKILL');
    };
    const store = new DirectoryBlobStore({ path: ${JSON.stringify(path)}, writer: '${writer}', at });
    const engine = new SegmentEngine({ store, writer: '${writer}' });
    await engine.open();
    let { epoch, revision } = await engine.claim('m', 0);
    for (let round = 1; ; round += 1) {
      const records = [1, 2, 3].map((step) => {
        const value = Buffer.from(JSON.stringify({ n: revision + step }));
        return { revision: revision + step, kind: 'k', key: 'k' + ((revision + step) % 20), value };
      });
      const [failure] = await engine.append([{ epoch, records }]);
      if (failure !== undefined) throw new Error(JSON.stringify(failure));
      revision += 3;
      writeSync(1, revision + '\\n');
      if (round % 4 === 0) while (!(await engine.compact(revision - 5)));
    }`;
}

async function die(path: string, point: string, times: number, writer: string): Promise<number> {
  const args = ['--input-type=module', '-e', source(path, point, times, writer)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('exit', (_code, signal) => resolve(signal));
  });
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) acknowledged = Number(line);
  assert.equal(await ended, 'SIGKILL', `${point} was never reached ${times} times`);
  return acknowledged;
}

async function check(path: string, acknowledged: number, what: string): Promise<void> {
  const store = new DirectoryBlobStore({ path, writer: 'check' });
  const engine = new SegmentEngine({ store, writer: 'check' });
  const { revision, compacted } = await engine.open();
  assert.ok(revision >= acknowledged, `${what}: acknowledged ${acknowledged}, found ${revision}`);
  assert.equal(revision % 3, 0, `${what}: half a batch`);
  const newest = new Map<string, number>();
  const changes: number[] = [];
  let after = -1;
  for (;;) {
    const page = await engine.read(after, false);
    if (page.length === 0) break;
    for (const record of page) {
      const value = JSON.parse(Buffer.from(record.value ?? []).toString()) as {
        readonly n: number;
      };
      assert.equal(value.n, record.revision, what);
      newest.set(record.key, record.revision);
      if (record.revision > compacted) changes.push(record.revision);
    }
    after = page.at(-1)?.revision ?? after;
  }
  const all = Array.from({ length: revision - compacted }, (_, index) => compacted + 1 + index);
  assert.deepEqual(changes, all, what);
  const live = Array.from({ length: Math.min(20, revision) }, (_, i) => revision - i).toReversed();
  assert.deepEqual(
    [...newest.values()].toSorted((a, b) => a - b),
    live,
    what,
  );
}

for (const point of POINTS) {
  test(`kill -9 ${point} loses nothing that was acknowledged`, async () => {
    const path = await mkdtemp(join(tmpdir(), 'windlass-kill-'));
    try {
      let acknowledged = 0;
      for (const [round, times] of [1, 9, 40].entries()) {
        acknowledged = Math.max(acknowledged, await die(path, point, times, `w${round}`));
        await check(path, acknowledged, `${point} × ${times}`);
      }
      assert.ok(acknowledged > 0);
      const names = await readdir(path, { recursive: true });
      assert.ok(names.filter((name) => name.endsWith('.tmp')).length <= 3);
    } finally {
      await rm(path, { recursive: true });
    }
  });
}
