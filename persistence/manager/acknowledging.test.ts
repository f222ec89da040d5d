// What acknowledges a write, and what happens when an instance that counts is lost: over scripted disks, by a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WriteState } from '../log.ts';
import { MemoryClaimBook } from './claim-book.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import { disks, managerOver } from './memory-disks-fixture.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import { keysOf, never, opened } from './writer-fixture.ts';

const quorum = { ack: 'quorum', onSyncLoss: 'block' } as const;
const all = { ack: 'all', onSyncLoss: 'block' } as const;

test('with --ack all a write is acknowledged when the replica has it, not before', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock, { rules: all });
  const writer = await opened(manager);
  await writer.write('one');
  assert.deepEqual(keysOf(b), ['one']);
  b.isDown = true;
  let isDone = false;
  const writing = writer.write('two').then(() => (isDone = true));
  await clock.advance(1_000);
  assert.deepEqual([keysOf(a), isDone], [['one', 'two'], false]);
  b.isDown = false;
  await clock.advance(6_000);
  await writing;
  assert.deepEqual(keysOf(b), ['one', 'two']);
});

test('--on-sync-loss block: after 5 s without the replica writes are refused before they are begun', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock, { rules: all });
  const told: WriteState['state'][] = [];
  manager.watchWrites(({ state }) => told.push(state));
  const writer = await opened(manager);
  await settled();
  b.isDown = true;
  const waiting = writer.write('waits');
  await clock.advance(4_000);
  assert.deepEqual(told, []);
  await clock.advance(2_000);
  assert.deepEqual(told, ['Blocked']);
  await assert.rejects(writer.write('refused'), {
    name: 'StorageUnreachableError',
    message: /--ack all.*not: b.*--on-sync-loss degrade/,
  });
  assert.deepEqual(keysOf(a), ['waits']);
  b.isDown = false;
  await clock.advance(70_000);
  await waiting;
  await writer.write('again');
  assert.deepEqual(told, ['Blocked', 'Open']);
  assert.deepEqual(keysOf(b), ['waits', 'again']);
});

test('--on-sync-loss degrade: after 5 s without the replica writes go on', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock, { rules: { ack: 'all', onSyncLoss: 'degrade' } });
  const writer = await opened(manager);
  await settled();
  b.isDown = true;
  let isDone = false;
  const writing = writer.write('one').then(() => (isDone = true));
  await clock.advance(4_900);
  assert.equal(isDone, false);
  await clock.advance(200);
  await writing;
  await writer.write('two');
  assert.equal(manager.instances()[1]?.state, 'Down');
});

test('--ack quorum: two of three are enough, one is not', async () => {
  const [a, b, c] = disks('a', 'b', 'c') as [MemoryDisk, MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b, c], clock, { rules: quorum });
  const writer = await opened(manager);
  c.isDown = true;
  await writer.write('one');
  assert.deepEqual([keysOf(b), keysOf(c)], [['one'], []]);
  b.isDown = true;
  const writing = assert.rejects(writer.write('two'), { name: 'StorageFailedError' });
  await clock.advance(10_000);
  await assert.rejects(writer.write('three'), { name: 'StorageUnreachableError' });
  const disposing = manager[Symbol.asyncDispose]();
  await clock.advance(5_000);
  await disposing;
  await writing;
});

test('an instance that hangs at the start is left behind after ten seconds', async () => {
  const [a, b, c] = disks('a', 'b', 'c') as [MemoryDisk, MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  b.isHung = true;
  const manager = managerOver([a, b, c], clock, { rules: quorum, acceptPossibleLoss: true });
  const opening = opened(manager);
  await clock.advance(25_000);
  const writer = await opening;
  await writer.write('one');
  assert.deepEqual(keysOf(c), ['one']);
});

test('a start that the ack policy cannot be met at is refused in words', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const book = new MemoryClaimBook();
  const first = managerOver([a, b], clock, { rules: all, book });
  await opened(first);
  await first[Symbol.asyncDispose]();
  b.isDown = true;
  const opening = assert.rejects(managerOver([a, b], clock, { rules: all, book }).open(never), {
    name: 'StartRefusedError',
    message: /--ack all needs more.*\n  b: b does not answer\n.*--on-sync-loss degrade/,
  });
  await clock.advance(30_000);
  await opening;
});
