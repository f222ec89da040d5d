// Attempts and their deadlines, on a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { AttemptTimeoutError } from './answer.ts';
import { withAttempts } from './attempts.ts';
import type { Pace } from './attempts.ts';

/** Waits cost nothing: whenever nothing else can happen, time goes on to the next that is due. */
class TestClock implements Clock {
  #now = 0;
  readonly #due = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const entry = { at: this.#now + delayMs, callback };
    this.#due.add(entry);
    return () => void this.#due.delete(entry);
  }

  get pending(): number {
    return this.#due.size;
  }

  /** Until nothing is scheduled any more. */
  async run(): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      const next = [...this.#due].toSorted((left, right) => left.at - right.at)[0];
      if (next === undefined) return;
      this.#due.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
  }
}

function pace(clock: Clock, random = 1): Pace {
  return { clock, random: () => random, attemptMs: 5_000, totalMs: 30_000 };
}

const passing = new Error('passing');
const isPassing = (error: unknown): boolean =>
  error === passing || error instanceof AttemptTimeoutError;

test('gives what the first attempt gives, and leaves no timer behind', async () => {
  const clock = new TestClock();
  assert.equal(await withAttempts(pace(clock), () => Promise.resolve('ok'), isPassing), 'ok');
  assert.equal(clock.pending, 0);
});

test('tries again after growing waits, and stops at the first error that stays', async () => {
  const clock = new TestClock();
  const starts: number[] = [];
  const final = new Error('final');
  const running = withAttempts(
    pace(clock),
    ({ number }) => {
      starts.push(clock.monotonic());
      return Promise.reject(number === 4 ? final : passing);
    },
    isPassing,
  );
  await Promise.all([assert.rejects(running, final), clock.run()]);
  assert.deepEqual(starts, [0, 50, 150, 350, 750]);
});

test('waits a random part of that, down to nothing', async () => {
  const clock = new TestClock();
  const running = withAttempts(
    pace(clock, 0),
    ({ number }) => (number === 5 ? Promise.resolve(number) : Promise.reject(passing)),
    isPassing,
  );
  await clock.run();
  assert.equal(await running, 5);
  assert.equal(clock.monotonic(), 0);
});

test('each attempt has its whole time and no more, all together not more than theirs', async () => {
  const clock = new TestClock();
  const signals: AbortSignal[] = [];
  const times: number[] = [];
  const running = withAttempts(
    pace(clock),
    ({ signal }) => {
      const began = clock.monotonic();
      signal.addEventListener('abort', () => times.push(clock.monotonic() - began));
      signals.push(signal);
      return new Promise<never>(() => undefined);
    },
    isPassing,
  );
  const outcome = assert.rejects(running, { name: 'AttemptTimeoutError' });
  await clock.run();
  await outcome;
  assert.ok(clock.monotonic() <= 30_000, `${clock.monotonic()}`);
  assert.equal(signals.length, 5);
  assert.deepEqual(times, Array(5).fill(5_000));
  assert.ok(signals.every(({ aborted }) => aborted));
});

test('bytes that travel make room in time', async () => {
  const clock = new TestClock();
  const running = withAttempts(
    { ...pace(clock), totalMs: 4_000 },
    ({ allow }) => {
      allow(10 << 20);
      return new Promise<never>(() => undefined);
    },
    isPassing,
  );
  const outcome = assert.rejects(running, { message: /no answer within 14 s/ });
  await clock.run();
  await outcome;
});
