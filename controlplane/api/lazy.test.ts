import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lazy } from './lazy.ts';

test('lazy() makes its value at the first call and keeps it, undefined too', () => {
  let calls = 0;
  const value = lazy(() => {
    calls += 1;
    return undefined;
  });
  assert.equal(calls, 0);
  value();
  value();
  assert.equal(calls, 1);
});

test('lazy() tries again after a failure', () => {
  let calls = 0;
  const value = lazy(() => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    return calls;
  });
  assert.throws(value, /not yet/);
  assert.equal(value(), 2);
});
