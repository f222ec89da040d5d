import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePatch } from './merge-patch.ts';

test('a merge patch says what changed and names what is gone', () => {
  const before = { a: 1, run: { slot: 'a', goalHash: 'x' }, list: [1], same: { deep: true } };
  const after = { a: 1, run: { slot: 'b' }, list: [1, 2], same: { deep: true }, more: 'x' };
  assert.deepEqual(mergePatch(before, after), {
    run: { slot: 'b', goalHash: null },
    list: [1, 2],
    more: 'x',
  });
  assert.deepEqual(mergePatch(before, { a: 1 }), { run: null, list: null, same: null });
  assert.deepEqual(mergePatch(before, structuredClone(before)), {});
});
