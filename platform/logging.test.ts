import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from './logging.ts';

test('redact() hides fields that are named like credentials, whatever their value', () => {
  const clean = redact({ token: 'abc', Authorization: 'Bearer x', data: { a: 1 }, name: 'web' });
  assert.deepEqual(clean, {
    token: '[redacted]',
    Authorization: '[redacted]',
    data: '[redacted]',
    name: 'web',
  });
});

test('redact() writes an error as its message and its causes', () => {
  const error = new Error('Cannot open x', { cause: new Error('disk full') });
  assert.deepEqual(redact({ error }), { error: 'Cannot open x: disk full' });
});
