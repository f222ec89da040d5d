import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUntouched } from './untouched.ts';

test('a host is untouched as long as nobody found out what belongs there, and never again', () => {
  assert.ok(isUntouched(undefined));
  assert.ok(isUntouched({ steps: [{ name: 'Resolve', state: 'Failed', attempt: 3 }] }));
  for (const status of [
    { goalHash: 'g' },
    { activeSlot: 'a' },
    { lastGood: { slot: 'a', goalHash: 'g' } },
  ] as const)
    assert.ok(!isUntouched(status), JSON.stringify(status));
});
