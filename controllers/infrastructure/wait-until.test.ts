import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { WaitTimedOut, waitUntil } from './wait-until.ts';

/** Turns the hands as soon as something waits. */
class HastyClock extends FakeClock {
  override schedule(delayMs: number, callback: () => void): () => void {
    const cancel = super.schedule(delayMs, callback);
    setImmediate(() => this.advance(delayMs));
    return cancel;
  }
}

const never = new AbortController().signal;

test('an error of the question, a caller that gives up and a timeout are told apart [ksail-078] [ksail-053]', async () => {
  const options = { what: 'cluster dev is ready', timeoutMs: 60_000, pollMs: 10_000 };
  const clock = new HastyClock();
  const raw = new Error('refused');
  await assert.rejects(
    waitUntil({ ...options, clock, signal: never }, () => Promise.reject(raw)),
    (error) => error === raw,
  );
  const caller = new AbortController();
  const reason = new Error('cancelled');
  await assert.rejects(
    waitUntil({ ...options, clock: new FakeClock(), signal: caller.signal }, () => {
      caller.abort(reason);
      return Promise.resolve('Pending');
    }),
    (error) => error === reason,
  );
  let asked = 0;
  await assert.rejects(
    waitUntil({ ...options, clock, signal: never }, () => {
      asked += 1;
      return Promise.resolve('Pending');
    }),
    (error: unknown) => {
      assert.ok(error instanceof WaitTimedOut);
      assert.equal(error.message, 'cluster dev is ready: timed out after 60 s; it was Pending');
      return true;
    },
  );
  assert.equal(asked, 7);
  await waitUntil({ ...options, clock, signal: never }, () => Promise.resolve(true));
});
