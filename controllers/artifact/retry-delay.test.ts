import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelay } from './retry-delay.ts';

test('failures are repeated ever less often, and what a server asks for is heard, within reason', () => {
  const delays = [0, 1, 2, 20].map((failures) => retryDelay(failures, undefined, 1));
  assert.deepEqual(delays, [5_000, 10_000, 20_000, 600_000]);
  assert.equal(retryDelay(0, 90_000, 1), 90_000);
  assert.equal(retryDelay(0, 1_000, 1), 5_000);
  // `Retry-After: 999999999`, or a date of the next century.
  assert.equal(retryDelay(0, 999_999_999_000, 1), 3_600_000);
});
