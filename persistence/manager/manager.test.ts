// The manager over scripted disks, by a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EpochLostError, StorageFullError, StorageUnreachableError } from '../errors.ts';
import type { InstanceState, WriteState } from '../log.ts';
import { MemoryClaimBook } from './claim-book.ts';
import { CLAIM_KIND } from './claim.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import { broken, disks, managerOver, MemoryDisk } from './memory-disks-fixture.ts';
import { keysOf, never, opened, statesOf } from './writer-fixture.ts';

test('the first record of each epoch is its claim, which the store never sees', async () => {
  const [a, clock, book] = [new MemoryDisk('a'), new FakeClock(), new MemoryClaimBook()];
  const first = managerOver([a], clock, { book });
  const writer = await opened(first);
  await writer.write('x');
  await first[Symbol.asyncDispose]();
  const second = managerOver([a], clock, { book });
  const cursor = await second.open(never);
  assert.deepEqual([cursor.epoch, cursor.revision], [2, 3]);
  assert.deepEqual(
    a.records.map(({ kind, revision }) => [kind, revision]),
    [
      [CLAIM_KIND, 1],
      ['k', 2],
      [CLAIM_KIND, 3],
    ],
  );
  const seen: string[] = [];
  for await (const page of second.replay(never)) seen.push(...page.map(({ key }) => key));
  assert.deepEqual(seen, ['x']);
  const [one, two] = a.records
    .filter(({ kind }) => kind === CLAIM_KIND)
    .map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()) as Record<string, unknown>);
  assert.equal(one?.['cluster'], two?.['cluster']);
  assert.deepEqual([one?.['counter'], two?.['counter'], two?.['previous']], [1, 2, 2]);
});

test('of claims the newest 64 are kept', async () => {
  const [a, clock, book] = [new MemoryDisk('a'), new FakeClock(), new MemoryClaimBook()];
  for (let start = 0; start < 70; start += 1) {
    const manager = managerOver([a], clock, { book });
    await manager.open(never);
    await manager[Symbol.asyncDispose]();
  }
  const live = new Set<string>();
  for (const { key, value } of a.records) {
    if (value === undefined) live.delete(key);
    else live.add(key);
  }
  assert.equal(live.size, 64);
});

test('a replica gets what the primary has, in order, and never what the primary refused', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const manager = managerOver([a, b], new FakeClock());
  const writer = await opened(manager);
  await writer.write('one');
  a.failures = [new StorageFullError('a')];
  await assert.rejects(writer.write('refused'), { name: 'StorageFullError' });
  await writer.write('two');
  await settled();
  assert.deepEqual(keysOf(b), ['one', 'two']);
  assert.deepEqual(b.records, a.records);
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
});

test('with --ack primary a dead replica holds nobody up, and catches up from memory when it is back', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock);
  const writer = await opened(manager);
  await settled();
  b.isDown = true;
  await writer.write('one');
  await writer.write('two');
  await clock.advance(2_000);
  const [, replica] = manager.instances();
  assert.equal(replica?.state, 'Down');
  assert.equal(replica?.lagRevisions, 2);
  assert.ok((replica?.pendingBytes ?? 0) > 0 && (replica?.lagSeconds ?? 0) >= 2);
  assert.match(replica?.lastError?.message ?? '', /does not answer/);
  b.isDown = false;
  await clock.advance(70_000);
  assert.deepEqual(keysOf(b), ['one', 'two']);
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
  assert.equal(manager.instances()[1]?.lagRevisions, 0);
});

test('a replica that lacks more than memory holds reads it from the primary', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const book = new MemoryClaimBook();
  const alone = managerOver([a], clock, { book });
  const writer = await opened(alone);
  for (let n = 0; n < 20; n += 1) await writer.write(`k${n}`);
  await alone[Symbol.asyncDispose]();
  const both = managerOver([a, b], clock, { book });
  await opened(both);
  await settled();
  assert.deepEqual(b.records, a.records);
  assert.deepEqual(statesOf(both), ['Up', 'Up']);
});

test('a replica behind the compacted history gets a copy of the whole', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const book = new MemoryClaimBook();
  const first = managerOver([a, b], clock, { book });
  await (await opened(first)).write('x');
  await settled();
  await first[Symbol.asyncDispose]();
  const alone = managerOver([a], clock, { book });
  const writer = await opened(alone);
  for (const key of ['x', 'y', 'y', 'z']) await writer.write(key);
  await alone.compact(writer.revision - 1);
  await alone[Symbol.asyncDispose]();
  const both = managerOver([a, b], clock, { book });
  await opened(both);
  await settled();
  assert.deepEqual(b.records, a.records);
  assert.equal(b.compacted, a.compacted);
  assert.equal(b.aside.length, 0);
});

test('history that a replica needs is kept for it, for three days', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock);
  const writer = await opened(manager);
  await writer.write('one');
  await settled();
  const kept = writer.revision;
  b.isDown = true;
  await writer.write('two');
  await writer.write('two');
  await clock.advance(2_000);
  await manager.compact(writer.revision);
  assert.equal(a.compacted, kept);
  await clock.advance(73 * 3_600_000);
  await manager.compact(writer.revision);
  assert.equal(a.compacted, writer.revision);
  b.isDown = false;
  await clock.advance(120_000);
  assert.deepEqual(keysOf(b), ['one', 'two']);
});

test('what was held back is forgotten as soon as the replica has it', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock);
  const writer = await opened(manager);
  await settled();
  b.isDown = true;
  await writer.write('x');
  await writer.write('x');
  await clock.advance(1_000);
  await manager.compact(writer.revision);
  b.isDown = false;
  await clock.advance(70_000);
  assert.deepEqual([a.compacted, keysOf(a), keysOf(b)], [writer.revision, ['x'], ['x']]);
});

test('a primary that does not answer is asked no more until a probe says that it is back', async () => {
  const a = new MemoryDisk('a');
  const clock = new FakeClock();
  const manager = managerOver([a], clock);
  const writer = await opened(manager);
  a.isDown = true;
  for (let attempt = 0; attempt < 3; attempt += 1)
    await assert.rejects(writer.write('x'), StorageUnreachableError);
  assert.deepEqual(statesOf(manager), ['Down']);
  a.isDown = false;
  await assert.rejects(writer.write('x'), /Cannot write to memory:a: a does not answer/);
  assert.equal(a.appends, 1);
  await clock.advance(600);
  assert.deepEqual(statesOf(manager), ['Up']);
  await writer.write('y');
});

test('changes of state are told with what was before', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock);
  const seen: string[] = [];
  const stop = manager.watch((now, before) =>
    seen.push(`${now.name} ${before.state} ${now.state}`),
  );
  const writer = await opened(manager);
  await settled();
  b.isDown = true;
  await writer.write('x');
  await clock.advance(2_000);
  assert.deepEqual(seen, ['b CatchingUp Up', 'b Up Down']);
  stop();
  b.isDown = false;
  await clock.advance(70_000);
  assert.equal(seen.length, 2);
});

test('whoever claims the primary ends the writer before, who says so', async () => {
  const a = new MemoryDisk('a');
  const clock = new FakeClock();
  const first = managerOver([a], clock);
  const told: WriteState[] = [];
  first.watchWrites((state) => told.push(state));
  const writer = await opened(first);
  await opened(managerOver([a], clock, { machineId: 'b'.repeat(32) as never }));
  await assert.rejects(writer.write('x'), EpochLostError);
  await assert.rejects(writer.write('x'), EpochLostError);
  assert.deepEqual(
    [told.map(({ state }) => state), statesOf(first), keysOf(a)],
    [['Lost'], ['Fenced'], []],
  );
});

test('an idle writer learns from a replica that somebody else has taken over', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const first = managerOver([a, b], clock);
  const told: WriteState['state'][] = [];
  first.watchWrites(({ state }) => told.push(state));
  const writer = await opened(first);
  await settled();
  const other = managerOver([b], clock, {
    machineId: 'b'.repeat(32) as never,
    acceptPossibleLoss: true,
  });
  await opened(other);
  await writer.write('x');
  await clock.advance(1_000);
  assert.deepEqual([told, statesOf(first)], [['Lost'], ['Up', 'Fenced']]);
  await assert.rejects(writer.write('y'), EpochLostError);
  assert.deepEqual(keysOf(a), ['x'], 'its tail stays');
});

test('a number taken on a replica without a claim behind it is taken back', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock);
  const writer = await opened(manager);
  await settled();
  b.epoch += 5;
  await writer.write('x');
  await clock.advance(1_000);
  assert.deepEqual(keysOf(b), ['x']);
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
});

test('a replica that is damaged is set aside and made anew', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const book = new MemoryClaimBook();
  const first = managerOver([a, b], clock, { book });
  await (await opened(first)).write('x');
  await settled();
  await first[Symbol.asyncDispose]();
  b.isDamaged = true;
  const second = managerOver([a, b], clock, { book });
  const states: InstanceState[] = [];
  second.watch(({ state }) => states.push(state));
  await opened(second);
  await clock.advance(2_000);
  assert.deepEqual(b.records, a.records);
  assert.equal(b.aside.length, 1);
  assert.deepEqual(states, ['Corrupt', 'NeedsFullSync', 'CatchingUp', 'Up']);
});

test('resync sets aside what a replica holds and copies the whole', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const manager = managerOver([a, b], new FakeClock());
  const writer = await opened(manager);
  await writer.write('x');
  await settled();
  await manager.control.resync('b');
  await settled();
  assert.equal(b.aside.length, 1);
  assert.deepEqual(b.records, a.records);
  await assert.rejects(manager.control.resync('a'), /it is the primary/);
  await assert.rejects(manager.control.resync('c'), { name: 'UnknownInstanceError' });
});

test('an error that the primary does not come back from reaches the writer as it is', async () => {
  const a = new MemoryDisk('a');
  const manager = managerOver([a], new FakeClock());
  const writer = await opened(manager);
  a.failures = [broken()];
  await assert.rejects(writer.write('x'), { name: 'StorageFailedError' });
});
