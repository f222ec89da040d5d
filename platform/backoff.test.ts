import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from './backoff.ts';

const options = { initialMs: 100, maximumMs: 1000 };

test('backoffMs() doubles from the first delay up to the maximum', () => {
  const delays = [0, 1, 2, 3, 4, 50].map((attempt) => backoffMs(attempt, options, 0.5));
  assert.deepEqual(delays, [100, 200, 400, 800, 1000, 1000]);
});

test('backoffMs() spreads by the jitter share only', () => {
  const spread = { ...options, jitter: 0.5 };
  assert.equal(backoffMs(1, spread, 0), 100);
  assert.equal(backoffMs(1, spread, 0.999), 200);
});
