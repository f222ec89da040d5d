import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodedPath } from './resource-path.ts';

test('encodedPath() leaves alone what may be sent, and encodes the rest', () => {
  assert.equal(encodedPath('/api/v1/pods?watch=true&x=%20a'), '/api/v1/pods?watch=true&x=%20a');
  assert.equal(encodedPath('/apis/a b/ü?x=é'), '/apis/a%20b/%C3%BC?x=%C3%A9');
});
