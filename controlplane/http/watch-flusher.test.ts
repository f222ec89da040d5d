import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TestClock } from '../store/store-fixture.ts';
import { WatchFlusher } from './watch-flusher.ts';

test('WatchFlusher writes at once after a pause, and what comes in a row together at its pace', async () => {
  const clock = new TestClock();
  const flusher = new WatchFlusher(clock, 250);
  const written: string[] = [];
  const dirty = (name: string): void => flusher.add({ flush: () => written.push(name) });

  dirty('first');
  await clock.advance(0);
  assert.deepEqual(written, ['first']);

  dirty('second');
  await clock.advance(249);
  dirty('third');
  assert.deepEqual(written, ['first']);
  await clock.advance(1);
  assert.deepEqual(written, ['first', 'second', 'third']);

  await clock.advance(250);
  dirty('after a pause');
  await clock.advance(0);
  assert.equal(written.at(-1), 'after a pause');
});
