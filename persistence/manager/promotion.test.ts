// A replica becomes the primary while writes go on: over scripted disks, by a clock that the test turns, with a death at each step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CorruptDataError, EpochLostError, StorageFullError } from '../errors.ts';
import type { InstanceReport, Promoted } from '../log.ts';
import { MemoryClaimBook } from './claim-book.ts';
import type { Claim } from './claim.ts';
import { CLAIM_KIND } from './claim.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import {
  broken,
  disks,
  FakeProcess,
  managed,
  managerOver,
  MemoryProvider,
} from './memory-disks-fixture.ts';
import type { MemoryDisk } from './memory-disks-fixture.ts';
import type { PersistenceManager } from './manager.ts';
import { keysOf, never, opened, statesOf } from './writer-fixture.ts';

const all = { ack: 'all', onSyncLoss: 'block' } as const;
const how = { catchUpMs: 30_000, signal: never };

const pair = (): [MemoryDisk, MemoryDisk] => disks('a', 'b') as [MemoryDisk, MemoryDisk];

function newestClaim(disk: MemoryDisk): Claim {
  const record = disk.records.findLast(({ kind }) => kind === CLAIM_KIND);
  return JSON.parse(Buffer.from(record?.value ?? []).toString()) as Claim;
}

const rolesOf = (manager: PersistenceManager): readonly string[] =>
  manager.instances().map(({ name, role }) => `${name} ${role}`);

/** As a promise, with the clock turned until it is decided. */
async function promoted(
  manager: PersistenceManager,
  name: string,
  clock: FakeClock,
): Promise<Promoted> {
  const promoting = manager.control.promote(name, how);
  promoting.catch(() => undefined);
  await clock.advance(40_000);
  return promoting;
}

test('the replica becomes the primary, the primary a replica, and writes go on', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const manager = managerOver([a, b], clock);
  const changes: (readonly [InstanceReport, InstanceReport])[] = [];
  const writer = await opened(manager);
  await writer.write('before');
  await settled();
  manager.watch((now, before) => changes.push([now, before]));
  const outcome = await promoted(manager, 'b', clock);
  assert.equal(outcome.previous, 'a');
  assert.equal(outcome.revision, 3);
  await writer.write('after');
  await settled();
  assert.deepEqual(rolesOf(manager), ['b Primary', 'a Replica']);
  assert.deepEqual(statesOf(manager), ['Up', 'Up']);
  assert.deepEqual(keysOf(b), ['before', 'after']);
  assert.deepEqual(a.records, b.records);
  assert.deepEqual([a.aside, b.aside], [[], []]);
  const { members, insteadOf, previous, revision, counter } = newestClaim(b);
  assert.deepEqual([members, insteadOf, previous, revision, counter], [['b', 'a'], 'a', 2, 3, 2]);
  assert.equal(manager.instances()[0]?.insteadOf, 'a');
  const roles = changes.filter(([now, before]) => now.role !== before.role);
  assert.deepEqual(
    roles.map(([now]) => [now.name, now.role]),
    [
      ['a', 'Replica'],
      ['b', 'Primary'],
    ],
  );
});

test('writes that come during the switch wait for it, in order, and none fails', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const manager = managerOver([a, b], clock, { rules: all });
  const writer = await opened(manager);
  const writes: Promise<void>[] = [writer.write('w0')];
  const promoting = manager.control.promote('b', how);
  for (let n = 1; n < 20; n += 1) {
    writes.push(writer.write(`w${n}`));
    await Promise.resolve();
  }
  await clock.advance(10_000);
  await promoting;
  await Promise.all(writes);
  const expected = Array.from({ length: 20 }, (_, n) => `w${n}`);
  assert.deepEqual([keysOf(a), keysOf(b)], [expected, expected]);
});

test('and back again, and again, by way of a third', async () => {
  const [a, b, c] = disks('a', 'b', 'c') as [MemoryDisk, MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b, c], clock, { rules: { ack: 'quorum', onSyncLoss: 'block' } });
  const writer = await opened(manager);
  for (const name of ['b', 'c', 'a', 'b', 'a']) {
    await promoted(manager, name, clock);
    await writer.write(`to ${name}`);
  }
  await settled();
  assert.deepEqual(keysOf(a), ['to b', 'to c', 'to a', 'to b', 'to a']);
  assert.deepEqual([b.records, c.records], [a.records, a.records]);
  assert.equal(newestClaim(a).insteadOf, undefined, 'as configured');
  assert.deepEqual(
    [a, b, c].flatMap(({ aside }) => aside),
    [],
  );
});

test('a start goes on with the promoted one while the configuration is the same, and says so', async () => {
  const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
  const first = managerOver([a, b], clock, { book });
  const writer = await opened(first);
  await promoted(first, 'b', clock);
  // Not a restart in peace: what only the new primary has must not be missed.
  a.isDown = true;
  await writer.write('only on b');
  a.isDown = false;
  for (let round = 0; round < 2; round += 1) {
    const told: string[] = [];
    const again = managerOver([a, b], clock, { book, warn: (text) => told.push(text) });
    await opened(again);
    assert.deepEqual(rolesOf(again), ['b Primary', 'a Replica']);
    assert.match(
      told.join(),
      /b \(memory:b\) is the primary.*although a is the first --persistence/,
    );
    await again[Symbol.asyncDispose]();
  }
  const told: string[] = [];
  const turned = managerOver([b, a], clock, { book, warn: (text) => told.push(text) });
  await opened(turned);
  assert.deepEqual([rolesOf(turned), told], [['b Primary', 'a Replica'], []]);
  await turned[Symbol.asyncDispose]();
  const back = managerOver([a, b], clock, { book });
  await opened(back);
  assert.deepEqual(rolesOf(back), ['a Primary', 'b Replica'], 'the configuration was changed');
  assert.deepEqual(keysOf(a), ['only on b']);
});

test('without the promoted one a start is refused as long as only that may have everything', async () => {
  const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
  const first = managerOver([a, b], clock, { book });
  await opened(first);
  await promoted(first, 'b', clock);
  await first[Symbol.asyncDispose]();
  b.isDown = true;
  // Also where the data directory knows nothing.
  for (const notes of [book, new MemoryClaimBook()])
    await assert.rejects(managerOver([a, b], clock, { book: notes }).open(never), {
      name: 'StartRefusedError',
      message: /b may hold more/,
    });
});

test('it is refused, with the reason, where it cannot be done', async () => {
  const [a, b, c] = disks('a', 'b', 'c') as [MemoryDisk, MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const provider = new MemoryProvider([a, b, c]);
  const instances = [a, b, c].map(({ name }) => ({
    ...managed(provider, name),
    keepsLog: name !== 'c',
  }));
  const manager = managerOver([a, b, c], clock, { provider, instances });
  const writer = await opened(manager);
  await assert.rejects(promoted(manager, 'z', clock), { name: 'UnknownInstanceError' });
  await assert.rejects(promoted(manager, 'a', clock), /it is the primary already/);
  await assert.rejects(promoted(manager, 'c', clock), /keeps objects without a log/);
  b.isDown = true;
  await writer.write('x');
  await clock.advance(10_000);
  await assert.rejects(promoted(manager, 'b', clock), /it is Down: b does not answer/);
  b.isDown = false;
  await clock.advance(70_000);
  a.isDown = true;
  for (let n = 0; n < 3; n += 1) await writer.write('lost').catch(() => undefined);
  await assert.rejects(promoted(manager, 'b', clock), /the primary, a, is Down/);
});

test('a replica that stays behind is not waited for without end, and writes are not held for it', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const manager = managerOver([a, b], clock);
  const writer = await opened(manager);
  await settled();
  b.isHung = true;
  await writer.write('x');
  const promoting = manager.control.promote('b', how);
  promoting.catch(() => undefined);
  await clock.advance(2_000);
  await writer.write('y');
  await clock.advance(40_000);
  await assert.rejects(promoting, {
    name: 'PromotionRefusedError',
    message: /it is \w+ and still lacks 2 changes after 30 s/,
  });
  await writer.write('z');
  assert.deepEqual(keysOf(a), ['x', 'y', 'z']);
});

test('one at a time', async () => {
  const [a, b, c] = disks('a', 'b', 'c') as [MemoryDisk, MemoryDisk, MemoryDisk];
  const clock = new FakeClock();
  const manager = managerOver([a, b, c], clock);
  await opened(manager);
  await settled();
  const one = manager.control.promote('b', how);
  await assert.rejects(manager.control.promote('c', how), /b is becoming the primary/);
  await assert.rejects(manager.control.resync('c'), /b is becoming the primary/);
  await clock.advance(10_000);
  await one;
});

for (const [what, failure] of [
  ['is full', new StorageFullError('b')],
  ['was claimed meanwhile', new EpochLostError('b', 1, 2)],
  ['failed', broken()],
  ['refused the batch', new CorruptDataError('no')],
] as const) {
  test(`a new primary that ${what} when the claim comes leaves the old one in charge`, async () => {
    const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
    const manager = managerOver([a, b], clock, { book });
    const writer = await opened(manager);
    await writer.write('before');
    await settled();
    b.failures = [failure];
    await assert.rejects(promoted(manager, 'b', clock), { name: 'PromotionRefusedError' });
    await writer.write('after');
    await clock.advance(10_000);
    assert.deepEqual(rolesOf(manager), ['a Primary', 'b Replica']);
    assert.deepEqual(
      [keysOf(a), keysOf(b)],
      [
        ['before', 'after'],
        ['before', 'after'],
      ],
    );
    assert.equal(newestClaim(a).members[0], 'a');
    await promoted(manager, 'b', clock);
    assert.deepEqual(rolesOf(manager), ['b Primary', 'a Replica']);
  });
}

test('a claim that arrived although an error came back counts', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  class LostAnswer extends MemoryProvider {
    isLosing = false;
    override async append(instance: string, batch: ArrayBuffer): Promise<void> {
      await super.append(instance, batch);
      if (this.isLosing && instance === 'b') throw broken();
    }
  }
  const provider = new LostAnswer([a, b]);
  const manager = managerOver([a, b], clock, { provider });
  const writer = await opened(manager);
  await settled();
  provider.isLosing = true;
  const promoting = promoted(manager, 'b', clock);
  await promoting;
  provider.isLosing = false;
  await writer.write('after');
  await clock.advance(1_000);
  assert.deepEqual([keysOf(b), keysOf(a)], [['after'], ['after']]);
});

test('a rival that has claimed the data ends it', async () => {
  const [[a, b], clock] = [pair(), new FakeClock()];
  const manager = managerOver([a, b], clock);
  const writer = await opened(manager);
  await settled();
  const rival = managerOver([a, b], clock);
  const rivals = await opened(rival);
  await rivals.write('theirs');
  await assert.rejects(promoted(manager, 'b', clock));
  await assert.rejects(writer.write('ours'), { name: 'EpochLostError' });
  await rivals.write('more');
  await clock.advance(10_000);
  assert.deepEqual(
    [keysOf(a), keysOf(b)],
    [
      ['theirs', 'more'],
      ['theirs', 'more'],
    ],
  );
});

for (const rules of [all, { ack: 'primary', onSyncLoss: 'block' } as const])
  for (const lost of [undefined, 'a', 'b'] as const)
    test(`killed at each step of it (--ack ${rules.ack}, then ${lost ?? 'nothing'} lost): all that was acknowledged is there, once`, async () => {
      let deaths = 0;
      for (let steps = 1; ; steps += 1) {
        const [[a, b], clock, book] = [pair(), new FakeClock(), new MemoryClaimBook()];
        const process = new FakeProcess();
        const manager = managerOver([a, b], clock, { process, book, rules });
        const writer = await opened(manager);
        const acknowledged: string[] = [];
        const write = (key: string): Promise<unknown> =>
          writer.write(key).then(
            () => process.isAlive && acknowledged.push(key),
            () => undefined,
          );
        await write('before');
        await settled();
        process.stepsLeft = steps;
        const promoting = manager.control.promote('b', how).catch(() => undefined);
        void write('during');
        await clock.advance(20_000);
        void write('after');
        await clock.advance(20_000);
        const died = !process.isAlive;
        process.kill();
        if (died) deaths += 1;
        else await promoting;

        if (lost !== undefined) (lost === 'a' ? a : b).isDown = true;
        const next = managerOver([a, b], clock, { book, rules });
        const opening = next.open(never).then(
          () => undefined,
          (error: Error) => error,
        );
        await clock.advance(40_000);
        const refusal = await opening;
        const where = `death at step ${steps}`;
        if (lost === undefined) {
          assert.equal(refusal, undefined, where);
          const primaries = next.instances().filter(({ role }) => role === 'Primary');
          assert.equal(primaries.length, 1, where);
          // The promotion holds from the moment that its claim is anywhere.
          const [primary] = primaries;
          assert.equal(primary?.name, newestClaim(b).insteadOf === 'a' ? 'b' : 'a', where);
        }
        if (refusal === undefined) {
          const seen: string[] = [];
          for await (const page of next.replay(never)) seen.push(...page.map(({ key }) => key));
          for (const key of acknowledged) assert.ok(seen.includes(key), `${where}: ${key} is lost`);
          assert.equal(new Set(seen).size, seen.length, where);
          await clock.advance(120_000);
          // The other one comes back, and nobody is fenced by what the dead one left.
          a.isDown = b.isDown = false;
          await clock.advance(120_000);
          assert.ok(!statesOf(next).includes('Fenced'), `${where}: ${statesOf(next).join()}`);
        } else assert.equal(refusal.name, 'StartRefusedError', where);
        if (!died) break;
      }
      assert.ok(deaths > 10, `${deaths} deaths`);
    });
