import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonFields } from './json-fields.ts';

test('jsonFields() has the fields of an object, and nothing for whatever else somebody says', () => {
  assert.deepEqual(jsonFields(' {"a": 1, "b": {"c": null}}'), { a: 1, b: { c: null } });
  assert.deepEqual(jsonFields('{}'), {});
  for (const text of ['', '{', '{"a": 1', 'null', '[]', '[{}]', '"{}"', '7', 'true', 'undefined'])
    assert.equal(jsonFields(text), undefined, text);
});
