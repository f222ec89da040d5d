import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeObject, parseObject } from './stored-object.ts';

const object = {
  metadata: { name: 'größe', namespace: 'default', labels: { app: 'a' } },
  data: { key: '\u2028 und 🙂' },
  apiVersion: 'v1',
  kind: 'ConfigMap',
};

test('encodeObject() puts kind and apiVersion first, and parseObject() gives the object back', () => {
  const bytes = encodeObject(object);
  assert.match(bytes.toString(), /^\{"kind":"ConfigMap","apiVersion":"v1","metadata":/);
  assert.deepEqual(parseObject(bytes), object);
});

test('encodeObject() keeps no memory but that of the object', () => {
  const bytes = encodeObject(object);
  assert.equal(bytes.buffer.byteLength, bytes.length);
});
