import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { MeanLatency } from './mean-latency.ts';

test('MeanLatency is the plain mean of samples at one instant, and an old sample loses half its weight in a minute', () => {
  let now = 0;
  const latency = new MeanLatency({ ...systemClock, monotonic: () => now });
  assert.equal(latency.seconds, 0);
  latency.add(1);
  latency.add(3);
  assert.equal(latency.seconds, 2);
  now = 60_000;
  latency.add(8);
  // (1 + 3) / 2 + 8 over (1 + 1) / 2 + 1
  assert.equal(latency.seconds, 5);
  now = 3_600_000;
  latency.add(0.5);
  assert.ok(Math.abs(latency.seconds - 0.5) < 1e-9);
});
