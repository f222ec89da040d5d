import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline } from './deadline.ts';
import { FakeClock } from './machinery-fixture.ts';
import { ConnectionError } from './request-error.ts';

test('Deadline aborts when its time is over, later when it was extended, never after its end', () => {
  const clock = new FakeClock();
  const [over, extended, ended] = ['a', 'b', 'c'].map((name) => new Deadline(clock, 100, name));
  clock.advance(60);
  extended?.extend();
  ended?.end();
  clock.advance(60);
  assert.ok(over?.signal.reason instanceof ConnectionError);
  assert.equal(extended?.signal.aborted, false);
  clock.advance(40);
  assert.equal(extended?.signal.aborted, true);
  assert.equal(ended?.signal.aborted, false);
  assert.equal(clock.pending, 0);
});

test('Deadline follows its caller until its end', () => {
  const clock = new FakeClock();
  const caller = new AbortController();
  const [waiting, ended] = ['a', 'b'].map((name) => new Deadline(clock, 100, name, caller.signal));
  ended?.end();
  const reason = new Error('given up');
  caller.abort(reason);
  assert.equal(waiting?.signal.reason, reason);
  assert.equal(ended?.signal.aborted, false);
  assert.equal(new Deadline(clock, 100, 'c', caller.signal).signal.reason, reason);
});

test('Deadline calls back once when it is over, and says why', () => {
  const clock = new FakeClock();
  const caller = new AbortController();
  const [over, follows, ended] = [100, 200, 300].map(
    (timeoutMs) => new Deadline(clock, timeoutMs, `after ${timeoutMs}`, caller.signal),
  );
  const reasons: unknown[] = [];
  for (const deadline of [over, follows, ended]) deadline?.onOver((why) => reasons.push(why));
  clock.advance(100);
  ended?.end();
  const reason = new Error('given up');
  caller.abort(reason);
  assert.equal(reasons.length, 2);
  assert.ok(reasons[0] instanceof ConnectionError);
  assert.equal(over?.over?.reason, reasons[0]);
  assert.equal(reasons[1], reason);
  assert.equal(ended?.over, undefined);
  assert.equal(over?.signal.reason, reasons[0]);
});
