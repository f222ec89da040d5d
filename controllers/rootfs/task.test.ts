import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { parallel, runTask, serial, TaskError } from './task.ts';
import type { Task, TaskReport } from './task.ts';

const done = (name: string): Task => ({ name, do: async () => undefined });
const failing = (name: string): Task => ({
  name,
  do: () => Promise.reject(new Error('no disk')),
});
const patient = (name: string): Task => ({
  name,
  do: (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
});

async function play(
  task: Task,
  deadlineMs = 60_000,
  signal = new AbortController().signal,
): Promise<{
  readonly error: unknown;
  readonly ends: readonly string[];
  readonly all: TaskReport[];
}> {
  const all: TaskReport[] = [];
  const report = (entry: TaskReport): void => void all.push(entry);
  const error: unknown = await runTask(
    task,
    { clock: systemClock, report, deadlineMs },
    signal,
  ).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const ends = all.filter(({ state }) => state !== 'Running');
  return { error, all, ends: ends.map(({ name, state }) => `${name} ${state}`).toSorted() };
}

test('graphs are named after what they do', () => {
  const graph = serial(done('a'), parallel(done('b'), done('c')));
  assert.equal(graph.name, 'serial(a, parallel(b, c))');
});

test('serial stops at the first failure and names it', async () => {
  const { error, ends } = await play(serial(done('a'), failing('b'), done('c')));
  assert.deepEqual(ends, ['a Done', 'b Failed']);
  assert.ok(error instanceof TaskError);
  assert.equal(error.message, 'b: no disk');
});

test('a failure cancels its siblings and is attributed [unbounded-090]', async () => {
  const { error, ends, all } = await play(
    serial(parallel(patient('a'), failing('b'), patient('c')), done('d')),
  );
  assert.deepEqual(ends, ['a Cancelled', 'b Failed', 'c Cancelled']);
  assert.ok(error instanceof TaskError);
  assert.equal(error.task, 'b');
  const failed = all.find(({ state }) => state === 'Failed');
  assert.equal(failed?.message, 'b: no disk');
  assert.ok((failed.durationMs ?? -1) >= 0);
});

test('what is thrown at once is a failure as any other [unbounded-090]', async () => {
  const panics: Task = {
    name: 'a',
    do() {
      throw new TypeError('undefined is not a function');
    },
  };
  const { error, ends } = await play(parallel(panics, patient('b')));
  assert.deepEqual(ends, ['a Failed', 'b Cancelled']);
  assert.match(String(error), /a: undefined is not a function/);
});

test('a task that does not listen is left at its deadline', async () => {
  const deaf: Task = { name: 'deaf', deadlineMs: 1, do: () => new Promise(() => undefined) };
  const { error, ends } = await play(serial(deaf, done('b')));
  assert.deepEqual(ends, ['deaf Failed']);
  assert.match(String(error), /deaf: not done within 0 s/);
});

test('cancelled from outside, the reason is the answer', async () => {
  const stop = new AbortController();
  const task: Task = {
    name: 'a',
    do: () => {
      stop.abort(new Error('paused'));
      return patient('a').do(stop.signal);
    },
  };
  const before = new AbortController();
  before.abort(new Error('too late'));
  assert.match(String((await play(done('x'), 1, before.signal)).error), /too late/);
  const { error, ends } = await play(parallel(task, patient('b')), 60_000, stop.signal);
  assert.match(String(error), /paused/);
  assert.deepEqual(ends, ['a Cancelled', 'b Cancelled']);
});

test('a graph works without anybody watching', async () => {
  let count = 0;
  const counted: Task = { name: 'n', do: async () => void (count += 1) };
  await serial(counted, parallel(counted, counted)).do(new AbortController().signal);
  assert.equal(count, 3);
});
