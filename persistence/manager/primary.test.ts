// A primary that does not answer, or answers with what nobody understands: over scripted disks, by a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StorageFullError, StorageUnreachableError } from '../errors.ts';
import type { WriteState } from '../log.ts';
import { FakeClock } from './fake-clock-fixture.ts';
import { disks, managed, managerOver, MemoryProvider } from './memory-disks-fixture.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import { keysOf, opened, statesOf } from './writer-fixture.ts';

test('one that hangs is Down after its time, writes are refused with the reason, and it goes on when it answers', async () => {
  const [[a], clock] = [disks('a') as [MemoryDisk], new FakeClock()];
  const provider = new MemoryProvider([a]);
  const instances = [{ ...managed(provider, 'a'), answerMs: 15_000 }];
  const manager = managerOver([a], clock, { provider, instances });
  const told: WriteState[] = [];
  manager.watchWrites((now) => told.push(now));
  const writer = await opened(manager);
  const { promise, resolve } = Promise.withResolvers<void>();
  a.pause = promise;
  let isDone = false;
  const writing = writer.write('held').then(() => (isDone = true));
  await clock.advance(14_000);
  assert.deepEqual([told, manager.blocked()], [[], undefined]);
  await clock.advance(2_000);
  assert.equal(told[0]?.state, 'Blocked');
  assert.match(manager.blocked() ?? '', /memory:a: it has not answered for 15 s/);
  assert.deepEqual(statesOf(manager), ['Down']);
  assert.match(manager.instances()[0]?.lastError?.message ?? '', /has not answered for 15 s/);
  assert.equal(isDone, false);
  resolve();
  await writing;
  assert.deepEqual(
    told.map(({ state }) => state),
    ['Blocked', 'Open'],
  );
  assert.deepEqual([statesOf(manager), manager.blocked()], [['Up'], undefined]);
  await writer.write('after');
  assert.deepEqual(keysOf(a), ['held', 'after']);
});

for (const [thrown, name, message] of [
  [new Error('socket hang up'), 'StorageFailedError', /socket hang up; whether .* is not known/],
  ['a string', 'StorageFailedError', /a string; whether the write was kept is not known/],
  [
    Object.assign(new Error('try again'), { name: 'StorageUnreachableError' }),
    'StorageUnreachableError',
    /^try again$/,
  ],
  [
    Object.assign(new Error('full'), { name: 'StorageFullError' }),
    'StorageFullError',
    /no space left/,
  ],
] as const)
  test(`what a provider throws, ${String(thrown)}, is taken for a ${name}`, async () => {
    const [[a], clock] = [disks('a') as [MemoryDisk], new FakeClock()];
    const manager = managerOver([a], clock);
    const writer = await opened(manager);
    a.failures = [thrown as Error];
    await assert.rejects(writer.write('x'), { name, message });
  });

test('a full disk is seen as long as writes are refused, each is tried, and one that succeeds is the end of it', async () => {
  const [[a], clock] = [disks('a') as [MemoryDisk], new FakeClock()];
  const manager = managerOver([a], clock);
  const writer = await opened(manager);
  a.failures = [new StorageFullError('memory:a'), new StorageFullError('memory:a')];
  await assert.rejects(writer.write('w1'), { name: 'StorageFullError' });
  assert.deepEqual(statesOf(manager), ['Down']);
  await clock.advance(59_000);
  await assert.rejects(writer.write('w2'), { name: 'StorageFullError' });
  await clock.advance(59_000);
  assert.deepEqual(statesOf(manager), ['Down']);
  assert.match(manager.instances()[0]?.lastError?.message ?? '', /no space left/);
  assert.equal(manager.instances()[0]?.up, false, 'what /readyz and metrics go by');
  await writer.write('w3');
  assert.equal(manager.instances()[0]?.up, true);
  assert.deepEqual([statesOf(manager), keysOf(a)], [['Up'], ['w3']]);
});

test('one that nobody writes to any more is called Up a minute after it refused', async () => {
  const [[a], clock] = [disks('a') as [MemoryDisk], new FakeClock()];
  const manager = managerOver([a], clock);
  const writer = await opened(manager);
  a.failures = [new StorageFullError('memory:a')];
  await assert.rejects(writer.write('w1'), { name: 'StorageFullError' });
  await clock.advance(61_000);
  assert.deepEqual(statesOf(manager), ['Up']);
});

test('one that can be read and not written to does not go up and down with each look at it', async () => {
  const [[a], clock] = [disks('a') as [MemoryDisk], new FakeClock()];
  const manager = managerOver([a], clock);
  const writer = await opened(manager);
  const refused = (): Error => new StorageUnreachableError('Cannot write to memory:a: read-only');
  const seen: string[] = [];
  manager.watch(({ state }) => seen.push(state));
  for (let round = 0; round < 5; round += 1) {
    a.failures = [refused(), refused(), refused()];
    for (let write = 0; write < 4; write += 1)
      // Said once, also by the breaker, which stands for the last.
      await assert.rejects(
        writer.write('x'),
        /^StorageUnreachableError: Cannot write to memory:a: read-only$/,
      );
    await clock.advance(10_000);
  }
  assert.deepEqual(seen, ['Down', 'Up', 'Down']);
  await writer.write('y');
  assert.deepEqual([statesOf(manager), keysOf(a)], [['Up'], ['y']]);
});
