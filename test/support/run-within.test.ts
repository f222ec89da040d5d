import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runWithin } from './run-within.ts';
import type { Job } from './run-within.ts';

/** Jobs that end when they are told to, and who runs now. */
function jobsOf(loads: readonly number[]): {
  readonly jobs: readonly Job<number>[];
  readonly running: Set<number>;
  readonly end: (index: number) => Promise<void>;
} {
  const running = new Set<number>();
  const ends = loads.map(() => Promise.withResolvers<void>());
  const jobs = loads.map((load, index) => ({
    load,
    async run() {
      running.add(index);
      await ends[index]?.promise;
      running.delete(index);
      return index * 10;
    },
  }));
  const end = async (index: number): Promise<void> => {
    ends[index]?.resolve();
    await new Promise((done) => setImmediate(done));
  };
  return { jobs, running, end };
}

test('runWithin() fills the room in the order of the jobs, and gives their results in it', async () => {
  const { jobs, running, end } = jobsOf([0.7, 1, 0.7, 0.2, 0.1]);
  const all = runWithin(2, jobs);
  assert.deepEqual([...running], [0, 1, 3, 4]);
  await end(1);
  assert.deepEqual([...running], [0, 3, 4, 2]);
  for (const index of [0, 2, 3, 4]) await end(index);
  assert.deepEqual(await all, [0, 10, 20, 30, 40]);
});

test('runWithin() runs alone what is larger than the room, when nothing else runs', async () => {
  const { jobs, running, end } = jobsOf([9, 1, 0.5, 1]);
  const all = runWithin(1, jobs);
  assert.deepEqual([...running], [0]);
  await end(0);
  assert.deepEqual([...running], [1]);
  await end(1);
  assert.deepEqual([...running], [2]);
  await end(2);
  assert.deepEqual([...running], [3]);
  await end(3);
  assert.deepEqual(await all, [0, 10, 20, 30]);
});

test('runWithin() passes on what a job throws', async () => {
  const bad = { load: 1, run: () => Promise.reject(new Error('broken')) };
  await assert.rejects(runWithin(2, [bad]), /broken/);
});

test('runWithin() of nothing is nothing', async () => {
  assert.deepEqual(await runWithin(2, []), []);
});
