// A replica that keeps objects without a log, and loses some, or gives back others: found by comparing it with the primary.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import { disks, managed, managerOver, MemoryProvider } from './memory-disks-fixture.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import { never, opened } from './writer-fixture.ts';

/** A server over `a`, followed by the objects of `b`. */
async function served() {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const provider = new MemoryProvider([a, b]);
  const instances = [managed(provider, 'a'), { ...managed(provider, 'b'), keepsLog: false }];
  const clock = new FakeClock();
  const manager = managerOver([a, b], clock, { instances, provider });
  const writer = await opened(manager);
  for (const key of ['x', 'y', 'x', 'z']) await writer.write(key);
  await settled();
  return { a, b, clock, manager, writer, verify: () => manager.control.verify('b', never) };
}

test('one that has everything is whole, whatever comes while it is looked at', async () => {
  const { a, b, manager, writer, verify } = await served();
  const { records, revision } = await verify();
  // Three objects and the claim.
  assert.deepEqual([records, revision], [4, a.revision]);
  const { promise, resolve } = Promise.withResolvers<void>();
  b.pause = promise;
  const verifying = verify();
  await settled();
  await writer.write('x');
  await writer.write('new');
  resolve();
  assert.equal((await verifying).revision, revision);
  await settled();
  assert.equal((await verify()).records, 5);
  await manager[Symbol.asyncDispose]();
});

test('what it lost, holds in another version, or should not hold is named', async () => {
  const { b, manager, verify } = await served();
  const { records } = b;
  const other = Buffer.from('other');
  const without = (key: string) => records.filter((record) => record.key !== key);
  for (const [changed, message] of [
    [
      without('y'),
      /^memory:b does not hold what the primary holds: k y is missing; make it anew with: windlass persistence resync b$/,
    ],
    [
      records.map((record) => (record.key === 'z' ? { ...record, value: other } : record)),
      /: k z is another version;/,
    ],
    [
      [...records, { revision: 99, kind: 'k', key: 'ghost', value: other }],
      /: k ghost is there and should not;/,
    ],
    [records.filter(({ kind }) => kind !== 'k'), /k x is missing, k y is missing, k z is missing;/],
  ] as const) {
    b.records = changed;
    await assert.rejects(verify(), { name: 'CorruptDataError', message });
  }
  b.records = records;
  await verify();
  await manager[Symbol.asyncDispose]();
});

test('of one that is not there nothing is said to be whole, until it is back', async () => {
  const { b, clock, manager, writer, verify } = await served();
  b.isDown = true;
  for (let write = 0; write < 3; write += 1) {
    await writer.write('later');
    await clock.advance(5_000);
  }
  await assert.rejects(verify(), {
    name: 'StorageFailedError',
    message:
      /^Cannot compare b with the primary: it is Down \(b does not answer\); try again when it is Up$/,
  });
  b.isDown = false;
  await clock.advance(120_000);
  assert.equal((await verify()).records, 5);
  await manager[Symbol.asyncDispose]();
});
