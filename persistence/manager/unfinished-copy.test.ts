// A server that dies while it copies the whole into a replica: what it leaves is no empty place, so nobody begins a new history in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogDump } from '../provider.ts';
import { MemoryClaimBook } from './claim-book.ts';
import { FakeClock, settled } from './fake-clock-fixture.ts';
import {
  disks,
  FakeProcess,
  managed,
  managerOver,
  MemoryDisk,
  MemoryProvider,
} from './memory-disks-fixture.ts';
import { keysOf, never, opened, statesOf } from './writer-fixture.ts';

const KEYS = ['one', 'two', 'three'];

/** Dies when it has been given all of a copy, and before that is what the place holds. */
class DyingProvider extends MemoryProvider {
  readonly #process: FakeProcess;

  constructor(over: readonly MemoryDisk[], process: FakeProcess) {
    super(over, process);
    this.#process = process;
  }

  override async restore(_instance: string, dump: LogDump): Promise<void> {
    for await (const _ of dump.records);
    this.#process.kill();
    await new Promise(() => undefined);
  }
}

/** A primary that has forgotten its history, and what a server left that died while it copied that. */
async function half(book = new MemoryClaimBook()): Promise<readonly [MemoryDisk, MemoryDisk]> {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const first = managerOver([a], new FakeClock(), { book });
  const writer = await opened(first);
  for (const key of KEYS) await writer.write(key);
  await first.compact(writer.revision);
  await first[Symbol.asyncDispose]();
  const process = new FakeProcess();
  const provider = new DyingProvider([a, b], process);
  await managerOver([a, b], new FakeClock(), { book, provider }).open(never);
  await process.death;
  assert.deepEqual(keysOf(b), []);
  return [a, b];
}

test('a start from a copy that was cut short alone is refused, whoever starts', async () => {
  const [, b] = await half();
  const message = /b was to be filled by a copy of memory:a, which has not come to its end/;
  const before = b.copy();
  await assert.rejects(managerOver([b], new FakeClock()).open(never), {
    name: 'StartRefusedError',
    message,
  });
  assert.deepEqual(b.copy(), before);
  // Nor does another empty place beside it make it one to begin in.
  const other = new MemoryDisk('c');
  await assert.rejects(managerOver([other, b], new FakeClock()).open(never), { message });
  assert.equal(other.revision, 0);
  const accepting = managerOver([b], new FakeClock(), { acceptPossibleLoss: true });
  await (await opened(accepting)).write('new');
  assert.deepEqual(keysOf(b), ['new']);
});

test('beside what it was copied from it is made anew, as a replica or as the primary', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const book = new MemoryClaimBook();
    const found = await half(book);
    const over = order.map((index) => found[index] ?? new MemoryDisk('none'));
    const manager = managerOver(over, new FakeClock(), { book });
    const writer = await opened(manager);
    await writer.write('four');
    await settled();
    assert.deepEqual(statesOf(manager), ['Up', 'Up']);
    assert.deepEqual(keysOf(found[1]), [...KEYS, 'four']);
    assert.deepEqual(found[1].records, found[0].records);
    await manager[Symbol.asyncDispose]();
  }
});

test('a copy of another cluster that was cut short is left alone', async () => {
  const [, b] = await half();
  const [own, book] = [new MemoryDisk('own'), new MemoryClaimBook()];
  const first = managerOver([own], new FakeClock(), { book });
  await first.open(never);
  await first[Symbol.asyncDispose]();
  const before = b.records;
  const manager = managerOver([own, b], new FakeClock(), { book });
  await manager.open(never);
  await settled();
  assert.deepEqual(statesOf(manager), ['Up', 'Diverged']);
  assert.equal(b.records, before);
  await manager[Symbol.asyncDispose]();
});

test('of one that was attached, the beginning of a log is not taken for all of it', async () => {
  const [a, b] = disks('a', 'b') as [MemoryDisk, MemoryDisk];
  const book = new MemoryClaimBook();
  const process = new FakeProcess();
  const attachable = (provider: MemoryProvider) => ({
    provider,
    book,
    prepare: () => Promise.resolve(managed(provider, 'b')),
  });
  const dying = new DyingProvider([a, b], process);
  const first = managerOver([a], new FakeClock(), attachable(dying));
  const writer = await opened(first);
  for (const key of KEYS) await writer.write(key);
  await first.control.attach('memory:b');
  await process.death;
  await assert.rejects(managerOver([b], new FakeClock()).open(never), {
    name: 'StartRefusedError',
    message: /b was to be filled by a copy of memory:a, which has not come to its end/,
  });
  const second = managerOver([a], new FakeClock(), attachable(new MemoryProvider([a, b])));
  const after = await opened(second);
  await second.control.attach('memory:b');
  await settled();
  await after.write('four');
  await settled();
  assert.deepEqual(keysOf(b), [...KEYS, 'four']);
  assert.deepEqual(b.records, a.records);
});
