import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { copyJson, equalJson } from '../schema/json-value.ts';
import { applyMergePatch } from './merge-patch.ts';

// RFC 7386, appendix A: original, patch, result.
const rfc: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test('applyMergePatch() does the examples of RFC 7386', () => {
  for (const [original, patch, result] of rfc) {
    assert.deepEqual(applyMergePatch(original, patch), result, JSON.stringify(patch));
  }
});

const json = fc.jsonValue({ maxDepth: 4 });

test('applyMergePatch() is idempotent and changes neither argument', () => {
  fc.assert(
    fc.property(json, json, (document, patch) => {
      const [documentBefore, patchBefore] = [JSON.stringify(document), JSON.stringify(patch)];
      const once = applyMergePatch(document, patch);
      assert.ok(equalJson(applyMergePatch(once, patch), once));
      assert.equal(JSON.stringify(document), documentBefore);
      assert.equal(JSON.stringify(patch), patchBefore);
    }),
  );
});

test('applyMergePatch() with an empty object keeps an object as it is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), (document) => {
      assert.ok(equalJson(applyMergePatch(document, {}), copyJson(document)));
    }),
  );
});

test('applyMergePatch() takes __proto__ as a field like any other', () => {
  const patch: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"x":1}}');
  const result = applyMergePatch({}, patch) as Record<string, unknown>;
  assert.deepEqual(Object.keys(result), ['__proto__', 'constructor']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.equal(Object.getPrototypeOf(result), Object.prototype);
});
