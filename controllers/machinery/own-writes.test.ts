// What a process wrote itself counts until its cache shows it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from './client-types.ts';
import { OwnWrites } from './own-writes.ts';

const at = (resourceVersion: string, uid = 'u'): ApiObject => ({
  metadata: { name: 'a', uid, resourceVersion, creationTimestamp: '2026-11-22T00:00:00Z' },
});

const seen = (writes: OwnWrites<ApiObject>, cached: ApiObject): string =>
  writes.newest(cached).metadata.resourceVersion;

test('OwnWrites gives the answer while the cache has what was written over', () => {
  const writes = new OwnWrites<ApiObject>();
  assert.equal(seen(writes, at('1')), '1');
  writes.remember(at('1'), at('2'));
  assert.equal(seen(writes, at('1')), '2');
  assert.equal(seen(writes, at('1', 'another')), '1');
  writes.remember(at('2'), at('5'));
  assert.equal(seen(writes, at('1')), '5');
  assert.equal(seen(writes, at('2')), '5');
});

test('OwnWrites lets go when the cache has what it does not know, and when the object is gone', () => {
  const writes = new OwnWrites<ApiObject>();
  writes.remember(at('1'), at('2'));
  assert.equal(seen(writes, at('3')), '3');
  assert.equal(seen(writes, at('1')), '1');
  // Over a state that is not of an earlier answer: what came before it says nothing any more.
  writes.remember(at('3'), at('4'));
  writes.remember(at('6'), at('7'));
  assert.equal(seen(writes, at('3')), '3');
  writes.remember(at('6'), at('7'));
  writes.forget(at('7'));
  assert.equal(seen(writes, at('6')), '6');
});
