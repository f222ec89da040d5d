import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseTerminalSize } from './command-client.ts';
import { statusOfExit } from './command-status.ts';
import { decodeMessage, encodeMessage } from './websocket-channels.ts';

test('messages come out as they went in, in both codings', () => {
  fc.assert(
    fc.property(
      fc.nat(9),
      fc.uint8Array({ maxLength: 100 }),
      fc.boolean(),
      (channel, array, coded) => {
        const bytes = Buffer.from(array);
        const wire = encodeMessage(channel, bytes, coded);
        assert.equal(typeof wire, coded ? 'string' : 'object');
        assert.deepEqual(decodeMessage(Buffer.from(wire), coded), { channel, bytes });
      },
    ),
  );
});

test('what is no message is none', () => {
  assert.equal(decodeMessage(Buffer.alloc(0), false), undefined);
  assert.equal(decodeMessage(Buffer.alloc(0), true), undefined);
  assert.equal(decodeMessage(Buffer.from('x'), true), undefined);
});

for (const text of [
  '',
  '{',
  'null',
  '[]',
  '{"Width":80}',
  '{"Width":-1,"Height":2}',
  '{"Width":1e9,"Height":2}',
  '{"Width":"80","Height":24}',
]) {
  test(`${JSON.stringify(text)} is no size of a terminal`, () => {
    assert.equal(parseTerminalSize(text), undefined);
  });
}

test('an exit code is told as upstream tells it', () => {
  assert.equal(statusOfExit({ code: 0 }, ['true']).status, 'Success');
  const { reason, details, message } = statusOfExit({ code: 3 }, ['sh', '-c', 'exit 3']);
  assert.equal(reason, 'NonZeroExitCode');
  assert.deepEqual(details, { causes: [{ reason: 'ExitCode', message: '3' }] });
  assert.match(message ?? '', /^command terminated with non-zero exit code: .*exit code 3$/);
});
