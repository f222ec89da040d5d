import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toldMessage } from './told-message.ts';

test('what any provider throws can be shown', () => {
  assert.equal(toldMessage(new Error('disk full')), 'disk full');
  assert.equal(toldMessage('no error'), 'no error');
  assert.equal(toldMessage(undefined), 'undefined');
  assert.equal(toldMessage(Symbol('x')), 'Symbol(x)');
  assert.equal(toldMessage(Object.create(null)), 'an error that cannot be shown');
  const secretive = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('not yours');
    },
  });
  assert.equal(toldMessage(secretive), 'an error that cannot be shown');
});

test('nothing of it is obeyed by a terminal, and it is no longer than an Event may be', () => {
  assert.equal(
    toldMessage(new Error('a\u001b[2J\u001b]0;owned\u0007\u202e\nb')),
    String.raw`a\x1b[2J\x1b]0;owned\x07\u202e` + '\nb',
  );
  const long = toldMessage(new Error('y'.repeat(1 << 20)));
  assert.equal(long.length, 1_001);
  assert.ok(long.endsWith('y…'));
  // Cut within a pair.
  assert.ok(toldMessage(`${'y'.repeat(999)}😀😀`).isWellFormed());
});
