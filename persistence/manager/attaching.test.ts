// Instances that come while the log is open: over scripted disks, by a clock that the test turns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryClaimBook } from './claim-book.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import {
  disks,
  FakeProcess,
  managed,
  managerOver,
  MemoryProvider,
} from './memory-disks-fixture.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import type { ManagerOptions, PersistenceManager } from './manager.ts';
import { keysOf, never, opened, statesOf } from './writer-fixture.ts';

const how = { catchUpMs: 30_000, signal: never };
const all = { ack: 'all', onSyncLoss: 'block' } as const;

/** A server over `a`, to which `b` can be attached. */
function serverOver(
  [a, b]: readonly [MemoryDisk, MemoryDisk],
  clock: FakeClock,
  options: Partial<ManagerOptions> & { readonly process?: FakeProcess } = {},
): PersistenceManager {
  const { process, ...rest } = options;
  const provider = new MemoryProvider([a, b], process);
  const prepare = (url: string) =>
    Promise.resolve({
      ...managed(provider, url.slice('memory:'.length)),
      keepsLog: !url.endsWith('module'),
    });
  return managerOver([a], clock, { provider, prepare, ...rest });
}

const pair = (): [MemoryDisk, MemoryDisk] => disks('a', 'b') as [MemoryDisk, MemoryDisk];

test('it is filled and follows, and nothing waits for it', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const manager = serverOver([a, b], clock, { rules: all });
  const writer = await opened(manager);
  await writer.write('before');
  assert.equal(await manager.control.attach('memory:b'), 'b');
  assert.equal(await manager.control.attach('memory:b'), 'b', 'once');
  await settled();
  assert.deepEqual(b.records, a.records);
  assert.deepEqual(
    manager.instances().map(({ name, role, isSynchronous }) => [name, role, isSynchronous]),
    [
      ['a', 'Primary', true],
      ['b', 'Replica', false],
    ],
  );
  b.isHung = true;
  await writer.write('on a alone');
  await clock.advance(10_000);
  await writer.write('still');
  assert.deepEqual(keysOf(a), ['before', 'on a alone', 'still']);
});

test('made the primary it counts, and the next start needs it', async () => {
  const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
  const manager = serverOver([a, b], clock, { book, rules: all });
  const writer = await opened(manager);
  await writer.write('before');
  await manager.control.attach('memory:b');
  await settled();
  const promoting = manager.control.promote('b', how);
  await clock.advance(10_000);
  await promoting;
  await writer.write('after');
  await assert.rejects(manager.control.detach('b'), /it is the primary/);
  await assert.rejects(manager.control.detach('a'), /it is given with --persistence/);
  await manager[Symbol.asyncDispose]();
  const moved = managerOver([b], clock, { book });
  await opened(moved);
  assert.deepEqual(keysOf(b), ['before', 'after']);
  assert.deepEqual(
    moved.instances().map(({ name, role }) => [name, role]),
    [['b', 'Primary']],
  );
});

test('a start that does not know of it is refused with where it lies', async () => {
  const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
  const manager = serverOver([a, b], clock, { book });
  const writer = await opened(manager);
  await manager.control.attach('memory:b');
  await settled();
  const promoting = manager.control.promote('b', how);
  await clock.advance(10_000);
  await promoting;
  await writer.write('on b first');
  await manager[Symbol.asyncDispose]();
  await assert.rejects(managerOver([a], clock, { book }).open(never), {
    name: 'StartRefusedError',
    message: /b may hold more: it is not configured; give --persistence memory:b/,
  });
});

test('let go of, it keeps what it has, and goes on from there when it comes again', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const manager = serverOver([a, b], clock);
  const writer = await opened(manager);
  await writer.write('x');
  await manager.control.attach('memory:b');
  await settled();
  await manager.control.detach('b');
  assert.deepEqual(statesOf(manager), ['Up']);
  await writer.write('y');
  await settled();
  assert.deepEqual(keysOf(b), ['x']);
  await assert.rejects(manager.control.detach('b'), { name: 'UnknownInstanceError' });
  await manager.control.attach('memory:b');
  await settled();
  assert.deepEqual([keysOf(b), b.aside], [['x', 'y'], []]);
});

test('what cannot be used is refused, and nothing there is touched', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const other = managerOver([b], clock, { book: new MemoryClaimBook() });
  await (await opened(other)).write('theirs');
  const before = b.copy();
  const manager = serverOver([a, b], clock);
  await opened(manager);
  await assert.rejects(manager.control.attach('memory:b'), /not of this cluster/);
  assert.deepEqual(b.copy(), before);
  await assert.rejects(manager.control.attach('memory:a'), /an instance of this server already/);
  await assert.rejects(manager.control.attach('memory:module'), /without a log/);
  b.isDown = true;
  await assert.rejects(manager.control.attach('memory:b'), /b does not answer/);
  b.isDown = false;
  b.isHung = true;
  const hanging = manager.control.attach('memory:b');
  hanging.catch(() => undefined);
  await clock.advance(11_000);
  await assert.rejects(hanging, /has not answered within 10 s/);
  assert.deepEqual(statesOf(manager), ['Up']);
});

test('killed at each step of a migration: one of the two has everything, and says so', async () => {
  let refusals = 0;
  for (let steps = 1; ; steps += 1) {
    const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
    const process = new FakeProcess();
    const manager = serverOver([a, b], clock, { process, book });
    const writer = await opened(manager);
    const acknowledged: string[] = [];
    const write = (key: string): void =>
      void writer.write(key).then(
        () => process.isAlive && acknowledged.push(key),
        () => undefined,
      );
    write('before');
    await settled();
    process.stepsLeft = steps;
    const migrating = (async () => {
      await manager.control.attach('memory:b');
      await manager.control.promote('b', how);
    })().catch(() => undefined);
    void migrating;
    write('during');
    await clock.advance(20_000);
    write('after');
    await clock.advance(20_000);
    const died = !process.isAlive;
    process.kill();
    const where = `death at step ${steps}`;
    // With the flags as they were, then with the new ones.
    const held: string[] = [];
    for (const over of [[a], [b]]) {
      const next = managerOver(over, clock, { book });
      const refusal = await next.open(never).then(
        () => undefined,
        (error: Error) => error,
      );
      if (refusal !== undefined) {
        refusals += 1;
        assert.equal(refusal.name, 'StartRefusedError', where);
        continue;
      }
      for await (const page of next.replay(never)) held.push(...page.map(({ key }) => key));
      break;
    }
    for (const key of acknowledged) assert.ok(held.includes(key), `${where}: ${key} is lost`);
    if (!died) break;
  }
  assert.ok(refusals > 0);
});
