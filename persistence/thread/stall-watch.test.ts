// When a thread counts as one that hangs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { FakeClock } from '../manager/fake-clock-fixture.ts';
import { beat, StallWatch } from './stall-watch.ts';

function watched() {
  const clock = new FakeClock();
  let stalls = 0;
  const watch = new StallWatch(clock, 10_000, () => (stalls += 1));
  return { clock, watch, stalls: () => stalls };
}

test('a thread that owes an answer and raises nothing for so long has stalled, once', async () => {
  const { clock, watch, stalls } = watched();
  beat(watch.pulse);
  watch.start();
  await clock.advance(9_900);
  assert.equal(stalls(), 0);
  await clock.advance(100);
  assert.equal(stalls(), 1);
  await clock.advance(60_000);
  assert.equal(stalls(), 1);
});

test('one that has not made its first call gets a minute', async () => {
  const { clock, watch, stalls } = watched();
  watch.start();
  await clock.advance(59_000);
  assert.equal(stalls(), 0);
  beat(watch.pulse);
  await clock.advance(10_000);
  assert.equal(stalls(), 0, 'of its first call nobody has seen how long it is under way');
  await clock.advance(1_000);
  assert.equal(stalls(), 1);
  const silent = watched();
  silent.watch.start();
  await silent.clock.advance(60_000);
  assert.equal(silent.stalls(), 1);
});

test('one that raises its pulse now and then has not, nor has one that has answered', async () => {
  const { clock, watch, stalls } = watched();
  watch.start();
  for (let call = 0; call < 5; call += 1) {
    await clock.advance(8_000);
    beat(watch.pulse);
  }
  watch.stop();
  await clock.advance(60_000);
  assert.equal(stalls(), 0);
});

test('a process that was stopped for a minute gives its threads their time when it goes on', async () => {
  const clock = new FakeClock();
  let jump = 0;
  // As after SIGCONT: the clock has gone on, and a timer that was due long ago fires once.
  const resumed: Clock = {
    now: () => clock.now() + jump,
    monotonic: () => clock.monotonic() + jump,
    schedule: (ms, callback) => clock.schedule(ms, callback),
  };
  const watch = new StallWatch(resumed, 10_000, () => assert.fail('it stalled'));
  watch.start();
  jump = 60_000;
  await clock.advance(9_000);
  beat(watch.pulse);
  await clock.advance(9_000);
  watch.stop();
});
