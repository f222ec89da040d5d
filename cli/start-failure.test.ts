import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceUnavailable } from '#controlplane/api/errors.ts';
import { StorageUnavailableError } from '#controlplane/store/errors.ts';
import { EpochLostError, StorageFullError } from '#persistence/errors.ts';
import { startFailure } from './start-failure.ts';
import { CommandError } from './usage-error.ts';

/** What the first write of a start rejects with. */
function refusedWrite(cause: Error): Error {
  const kept = new StorageUnavailableError(cause.message, cause);
  return serviceUnavailable(`the change could not be made durable: ${kept.message}`, kept);
}

test('what the first writes meet is told as what opening meets: in a sentence, with the next step', () => {
  for (const [error, message, hint] of [
    [new StorageFullError('/x/state.db'), /^Cannot write to \/x\/state\.db: no space/, undefined],
    [new EpochLostError('s3-1', 1, 2), /another control plane has taken over$/, /standby/],
  ] as const)
    for (const thrown of [error, refusedWrite(error)]) {
      const told = startFailure(thrown, '/x');
      assert.ok(told instanceof CommandError);
      assert.match(told.message, message);
      if (hint === undefined) assert.equal(told.next, undefined);
      else assert.match(told.next ?? '', hint);
    }
});

test('a defect of ours stays what it is, also one that is its own cause', () => {
  const defect = new TypeError('x is not a function');
  defect.cause = new Error('because', { cause: defect });
  assert.equal(startFailure(defect, '/x'), defect);
  assert.equal(startFailure('thrown', '/x'), 'thrown');
});
