import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from './slots.ts';

const { signal } = new AbortController();

test('a window without a limit has none, and who gives up its place is not waited for', async () => {
  const free = new Slots(0);
  let count = 0;
  await Promise.all(
    Array.from({ length: 100 }, () =>
      free.run(signal, async () => {
        count += 1;
        if (count < 100) await new Promise<void>((resolve) => void setImmediate(resolve));
      }),
    ),
  );
  assert.equal(count, 100);
  const one = new Slots(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = one.run(signal, () => promise);
  const abort = new AbortController();
  const second = one.run(abort.signal, async () => 'second');
  const third = one.run(signal, async () => 'third');
  abort.abort(new Error('tired'));
  await assert.rejects(second, /tired/);
  resolve();
  await first;
  assert.equal(await third, 'third');
});
