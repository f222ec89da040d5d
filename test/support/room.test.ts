import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from './room.ts';

interface Jobs {
  readonly results: readonly Promise<number>[];
  readonly running: Set<number>;
  readonly end: (index: number) => Promise<void>;
}

/** Jobs that end when they are told to, and who runs now. */
async function start(size: number, loads: readonly number[]): Promise<Jobs> {
  const room = new Room(size);
  const running = new Set<number>();
  const ends = loads.map(() => Promise.withResolvers<void>());
  const settle = (): Promise<void> => new Promise((done) => setImmediate(done));
  const results = loads.map((load, index) =>
    room.run(load, async () => {
      running.add(index);
      await ends[index]?.promise;
      running.delete(index);
      return index * 10;
    }),
  );
  await settle();
  return {
    results,
    running,
    end(index) {
      ends[index]?.resolve();
      return settle();
    },
  };
}

test('it is filled in the order of the jobs', async () => {
  const { results, running, end } = await start(2, [0.7, 1, 0.7, 0.2, 0.1]);
  assert.deepEqual([...running], [0, 1, 3, 4]);
  await end(1);
  assert.deepEqual([...running], [0, 3, 4, 2]);
  for (const index of [0, 2, 3, 4]) await end(index);
  assert.deepEqual(await Promise.all(results), [0, 10, 20, 30, 40]);
});

test('what is larger than it runs alone, when nothing else does', async () => {
  const { results, running, end } = await start(1, [1, 9, 0.5, 1]);
  for (const index of [0, 1]) {
    assert.deepEqual([...running], [index]);
    await end(index);
  }
  assert.deepEqual([...running], [2]);
  await end(2);
  await end(3);
  assert.deepEqual(await Promise.all(results), [0, 10, 20, 30]);
});

test('a job that fails leaves its room to others', async () => {
  const room = new Room(1);
  const failing = room.run(1, () => Promise.reject(new Error('broken')));
  const next = room.run(1, () => Promise.resolve('done'));
  await assert.rejects(failing, /broken/);
  assert.equal(await next, 'done');
});
