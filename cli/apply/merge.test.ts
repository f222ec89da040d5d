import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergePatched, overlaid, threeWayMerge } from './merge.ts';

test('threeWayMerge() sets what is wanted and removes only what was applied before', () => {
  const last = { spec: { a: 1, gone: true, list: [1] } };
  const live = { spec: { a: 1, gone: true, list: [1], theirs: 'kept' }, status: { ready: 3 } };
  const desired = { spec: { a: 2, list: [1, 2], added: {} } };
  assert.deepEqual(threeWayMerge(last, live, desired), {
    spec: { a: 2, list: [1, 2], added: {}, gone: null },
  });
});

test('threeWayMerge() has nothing to do when all is as wanted, whatever else is there', () => {
  const desired = { spec: { list: [{ b: 2, a: 1 }], empty: null } };
  const live = { spec: { list: [{ a: 1, b: 2 }], defaulted: 1 } };
  assert.equal(threeWayMerge(desired, live, desired), undefined);
});

test('threeWayMerge() overlooks defaults in lists only while the list is wanted as before', () => {
  const live = { list: [{ a: 1, defaulted: true }] };
  assert.equal(threeWayMerge({ list: [{ a: 1 }] }, live, { list: [{ a: 1 }] }), undefined);
  const wanted = { list: [{ a: 1 }] };
  assert.deepEqual(threeWayMerge({ list: [{ a: 1, defaulted: true }] }, live, wanted), wanted);
  assert.deepEqual(threeWayMerge(wanted, { list: [{ a: 2, defaulted: true }] }, wanted), wanted);
});

test('threeWayMerge() replaces a field that changed its type', () => {
  assert.deepEqual(threeWayMerge({}, { a: [1] }, { a: { b: 1 } }), { a: { b: 1 } });
  assert.deepEqual(threeWayMerge({}, { a: { b: 1 } }, { a: 'x' }), { a: 'x' });
});

test('threeWayMerge() reaches the wanted state, so that a second apply has nothing to do', () => {
  const value = fc.letrec((tie) => ({
    tree: fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.oneof(
        { maxDepth: 4 },
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
        tie('tree'),
      ),
      { noNullPrototype: true },
    ),
  })).tree;
  fc.assert(
    fc.property(value, value, value, (last, live, desired) => {
      const before = last;
      const wanted = desired;
      const patch = threeWayMerge(before, live, wanted);
      const after = mergePatched(live, patch ?? {}) as Record<string, unknown>;
      assert.equal(threeWayMerge(before, after, wanted), undefined);
    }),
  );
});

test('overlaid() merges maps, and leaves what it is given as it was', () => {
  const base = { a: { b: 1, list: [1] } };
  assert.deepEqual(overlaid(base, { a: { list: [2], c: { d: 3 } } }), {
    a: { b: 1, list: [2], c: { d: 3 } },
  });
  assert.deepEqual(base, { a: { b: 1, list: [1] } });
});

test('mergePatched() removes what is null and replaces what is no map', () => {
  assert.deepEqual(mergePatched({ a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: [3] } }), {
    b: { c: [3], d: 2 },
  });
});
