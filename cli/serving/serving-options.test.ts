import assert from 'node:assert/strict';
import { test } from 'node:test';

import { servingAddress } from './serving-options.ts';

test('an address and a port; nothing is nowhere', () => {
  assert.equal(servingAddress(undefined), undefined);
  assert.equal(servingAddress(''), undefined);
  const local = { host: '127.0.0.1', port: 10_257, isLoopback: true };
  assert.deepEqual(servingAddress('127.0.0.1:10257'), local);
  assert.deepEqual(servingAddress('[::1]:0'), { host: '::1', port: 0, isLoopback: true });
  assert.deepEqual(servingAddress('0.0.0.0:9'), { host: '0.0.0.0', port: 9, isLoopback: false });
  assert.deepEqual(servingAddress('[::]:9'), { host: '::', port: 9, isLoopback: false });
});

for (const wrong of [
  '10257',
  ':10257',
  'localhost:1',
  '127.0.0.1',
  '127.0.0.1:70000',
  '::1:9',
  '[10.0.0.1]:9',
  '127.0.0.1:x',
])
  test(`${wrong} is refused`, () => {
    assert.throws(
      () => servingAddress(wrong),
      /--metrics-bind must be an IP address of this machine and a port/,
    );
  });
