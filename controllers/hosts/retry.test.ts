import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { HostCommandError, HostUnreachableError } from './host-errors.ts';
import { retry } from './retry.ts';

/** Turns the clock until the promise has settled. @returns milliseconds that went by */
async function turned(clock: FakeClock, promise: Promise<unknown>): Promise<number> {
  let isSettled = false;
  const settled = (): void => void (isSettled = true);
  promise.then(settled, settled);
  const began = clock.now();
  for (let turn = 0; turn < 100_000; turn++) {
    for (let step = 0; step < 10; step++) await Promise.resolve();
    if (isSettled) return clock.now() - began;
    clock.advance(1);
  }
  throw new Error('it never ended');
}

const away = new HostUnreachableError('away');

test('a cancel at the second try ends it [k0sctl-029]', async () => {
  const clock = new FakeClock();
  const stopping = new AbortController();
  let tries = 0;
  const running = retry(
    async (_, attempt) => {
      tries++;
      if (attempt === 2) stopping.abort(new Error('cancelled'));
      throw away;
    },
    { signal: stopping.signal, clock, intervalMs: 10 },
  );
  running.catch(() => undefined);
  await turned(clock, running);
  await assert.rejects(running, /cancelled/);
  assert.equal(tries, 2);
});

test('the deadline of whoever asked wins over a longer one of the retry [k0sctl-032]', async () => {
  const clock = new FakeClock();
  const parent = new AbortController();
  clock.schedule(10, () => parent.abort(new Error('the deadline of the parent')));
  const running = retry(async () => Promise.reject(away), {
    signal: parent.signal,
    clock,
    timeoutMs: 50,
    intervalMs: 1,
  });
  running.catch(() => undefined);
  const took = await turned(clock, running);
  await assert.rejects(running, /deadline of the parent/);
  assert.ok(took <= 10, `${took} ms`);
});

test('it goes on until it works, with growing pauses, and gives up when time is over', async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const at: number[] = [];
  const works = retry(
    async (_, attempt) => {
      at.push(clock.now());
      if (attempt < 4) throw away;
      return 'done';
    },
    { signal, clock, intervalMs: 100 },
  );
  await turned(clock, works);
  assert.equal(await works, 'done');
  assert.deepEqual(at, [0, 100, 300, 700]);
  const never = retry(async () => Promise.reject(away), {
    signal,
    clock,
    timeoutMs: 1000,
    intervalMs: 100,
  });
  never.catch(() => undefined);
  assert.ok((await turned(clock, never)) <= 1000);
  await assert.rejects(never, (error) => error === away);
});

test('what will never work is tried once', async () => {
  const { signal } = new AbortController();
  let tries = 0;
  const final = new HostCommandError('another host key');
  const running = retry(
    async () => {
      tries++;
      throw final;
    },
    { signal, clock: new FakeClock() },
  );
  await assert.rejects(running, (error) => error === final);
  assert.equal(tries, 1);
});
