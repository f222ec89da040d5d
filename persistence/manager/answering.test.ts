// Instances that do not answer, or answer nonsense: over scripted disks, by a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import { disks, managed, managerOver, MemoryProvider } from './memory-disks-fixture.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import { keysOf, opened, statesOf } from './writer-fixture.ts';

test('a replica that hangs is Down after its time, and gets what it missed when it answers', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const [provider, clock] = [new MemoryProvider([a, b]), new FakeClock()];
  const instances = [managed(provider, 'a'), { ...managed(provider, 'b'), answerMs: 15_000 }];
  const manager = managerOver([a, b], clock, { instances, provider });
  const writer = await opened(manager);
  await settled();
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
  const { promise, resolve } = Promise.withResolvers<void>();
  b.pause = promise;
  await writer.write('x');
  await clock.advance(14_000);
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
  await clock.advance(2_000);
  await writer.write('y');
  assert.deepEqual(statesOf(manager), ['Up', 'Down']);
  assert.match(manager.instances()[1]?.lastError?.message ?? '', /has not answered for 15 s/);
  resolve();
  await settled();
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
  assert.deepEqual(keysOf(b), ['x', 'y']);
  await manager[Symbol.asyncDispose]();
});

test('a provider whose status makes no sense takes nobody with it', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const [provider, clock] = [new MemoryProvider([a, b]), new FakeClock()];
  const manager = managerOver([a, b], clock, { provider });
  const writer = await opened(manager);
  const sane = provider.instanceStatus.bind(provider);
  provider.instanceStatus = (instance) => {
    if (instance === 'b') throw new Error('no idea');
    return sane(instance);
  };
  await writer.write('x');
  await clock.advance(1_000);
  assert.deepEqual(
    manager
      .instances()
      .map(({ name, exists, up, meanPersistLatency }) => [name, exists, up, meanPersistLatency]),
    [
      ['a', true, true, 0.5],
      ['b', true, false, 0],
    ],
  );
  await manager[Symbol.asyncDispose]();
});
