import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsRegistry } from '#platform/metrics.ts';
import { FakeClock } from './machinery-fixture.ts';
import { WorkQueue } from './work-queue.ts';

const { signal } = new AbortController();

function make(): { queue: WorkQueue; clock: FakeClock; metrics: MetricsRegistry } {
  const clock = new FakeClock();
  const metrics = new MetricsRegistry();
  return {
    clock,
    metrics,
    queue: new WorkQueue({ name: 'test', clock, metrics, random: () => 1 }),
  };
}

test('WorkQueue holds a key once and gives keys in order', async () => {
  const { queue } = make();
  for (const key of ['a', 'b', 'a']) queue.add(key);
  assert.equal(queue.depth, 2);
  assert.equal(await queue.take(signal), 'a');
  assert.equal(await queue.take(signal), 'b');
});

test('WorkQueue gives a key to one worker at a time, and again when it was added meanwhile', async () => {
  const { queue } = make();
  queue.add('a');
  const key = await queue.take(signal);
  queue.add('a');
  queue.add('a');
  assert.equal(queue.depth, 0);
  queue.done(key);
  assert.equal(queue.depth, 1);
  queue.done(await queue.take(signal));
  assert.equal(queue.depth, 0);
});

test('WorkQueue adds later, at the earliest of several times', () => {
  const { queue, clock } = make();
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 70);
  clock.advance(49);
  assert.equal(queue.depth, 0);
  clock.advance(1);
  assert.equal(queue.depth, 1);
  assert.equal(clock.pending, 0);
});

test('WorkQueue waits longer after each failure until it is told to forget', async () => {
  const { queue, clock } = make();
  const delays: number[] = [];
  const fail = async (): Promise<void> => {
    const before = clock.now();
    queue.addRateLimited('a');
    const taken = queue.take(signal);
    for (let ms = 0; ms < 1_000 && queue.depth === 0; ms += 1) clock.advance(1);
    delays.push(clock.now() - before);
    queue.done(await taken);
  };
  for (let round = 0; round < 3; round += 1) await fail();
  assert.deepEqual(delays, [5, 10, 20]);
  assert.equal(queue.failures('a'), 3);
  queue.forget('a');
  await fail();
  assert.equal(delays.at(-1), 5);
});

test('WorkQueue wakes a waiting worker, and lets go of it when its signal aborts', async () => {
  const { queue } = make();
  const waiting = queue.take(signal);
  queue.add('a');
  assert.equal(await waiting, 'a');
  const stop = new AbortController();
  const abandoned = queue.take(stop.signal);
  stop.abort(new Error('stopping'));
  await assert.rejects(abandoned, /stopping/);
  queue.add('b');
  assert.equal(await queue.take(signal), 'b');
});

test('WorkQueue counts what it does under client-go names', async () => {
  const { queue, clock, metrics } = make();
  queue.add('a');
  clock.advance(2_000);
  const key = await queue.take(signal);
  clock.advance(3_000);
  const running = await metrics.expose();
  assert.match(running, /workqueue_longest_running_processor_seconds\{name="test"\} 3/);
  queue.done(key);
  queue.addRateLimited('a');
  const text = await metrics.expose();
  assert.match(text, /workqueue_adds_total\{name="test"\} 1/);
  assert.match(text, /workqueue_retries_total\{name="test"\} 1/);
  assert.match(text, /workqueue_queue_duration_seconds_sum\{name="test"\} 2/);
  assert.match(text, /workqueue_work_duration_seconds_sum\{name="test"\} 3/);
});
