import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';

function manualClock(): Clock & { fire(): void; readonly pending: number } {
  const callbacks = new Set<() => void>();
  return {
    now: () => 0,
    monotonic: () => 0,
    schedule(_delayMs, callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    fire() {
      for (const callback of callbacks) callback();
      callbacks.clear();
    },
    get pending() {
      return callbacks.size;
    },
  };
}

test('sleep() resolves when the clock fires', async () => {
  const clock = manualClock();
  const slept = sleep(clock, 1000);
  clock.fire();
  await slept;
});

test('sleep() rejects with the reason of the signal and leaves no timer behind', async () => {
  const clock = manualClock();
  const stop = new AbortController();
  const slept = sleep(clock, 1000, stop.signal);
  const reason = new Error('stopping');
  stop.abort(reason);
  await assert.rejects(slept, reason);
  assert.equal(clock.pending, 0);
  await assert.rejects(sleep(clock, 1000, stop.signal), reason);
});

test('systemClock never goes back', () => {
  const first = systemClock.monotonic();
  assert.ok(systemClock.monotonic() >= first);
});
