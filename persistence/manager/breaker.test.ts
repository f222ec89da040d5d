// When a circuit breaker opens, how long it stays so, and what closes it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from './breaker.ts';
import { FakeClock } from './fake-clock-fixture.ts';

const PROBES = { initialMs: 1_000, maximumMs: 4_000, jitter: 0 };

function breaker() {
  const clock = new FakeClock();
  return { clock, breaker: new Breaker(clock, () => 0.5, PROBES) };
}

function fail(one: Breaker, times: number): void {
  for (let n = 0; n < times; n += 1) one.failed();
}

test('it opens at the third failure in a row; a success in between counts', () => {
  const { breaker: one } = breaker();
  fail(one, 2);
  one.succeeded();
  fail(one, 2);
  assert.deepEqual([one.isOpen, one.waitMs], [false, 0]);
  one.failed();
  assert.deepEqual([one.isOpen, one.waitMs], [true, 1_000]);
});

test('each probe that fails doubles the wait, up to the maximum; one that succeeds closes it', async () => {
  const { breaker: one, clock } = breaker();
  fail(one, 3);
  const waits: number[] = [];
  for (let probe = 0; probe < 4; probe += 1) {
    waits.push(one.waitMs);
    await clock.advance(one.waitMs);
    assert.deepEqual([one.isOpen, one.waitMs], [true, 0], 'due');
    one.failed();
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 4_000]);
  one.succeeded();
  assert.deepEqual([one.isOpen, one.waitMs], [false, 0]);
  fail(one, 3);
  assert.equal(one.waitMs, 1_000, 'from the beginning');
});

test('it opens when most of many fail, though never three in a row', () => {
  const { breaker: one } = breaker();
  for (let n = 0; n < 5 && !one.isOpen; n += 1) {
    fail(one, 2);
    if (!one.isOpen) one.succeeded();
  }
  assert.equal(one.isOpen, true);
});

test('failures of long ago do not count', async () => {
  const { breaker: one, clock } = breaker();
  for (let n = 0; n < 4; n += 1) {
    fail(one, 2);
    one.succeeded();
    await clock.advance(16_000);
  }
  assert.equal(one.isOpen, false);
});

test('it opens at once when told that trying soon is no use', () => {
  const { breaker: one } = breaker();
  one.trip();
  assert.equal(one.isOpen, true);
});
