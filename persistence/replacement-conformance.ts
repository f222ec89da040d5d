// The verbs that put one log in the place of another, and the one that reads it all: part of provider-conformance.ts.
import assert from 'node:assert/strict';
import { claim, dumpOf, machine, never, put, removal, shown } from './conformance-site.ts';
import type { ConformanceSite, Opened } from './conformance-site.ts';
import type { Cursor, LogDump, LogRecord } from './provider.ts';

type Check = (title: string, body: (site: ConformanceSite) => Promise<void>) => void;

const BEFORE = ['a@1', 'b@2', '-a@3'];

async function fill(one: Opened): Promise<void> {
  await one.append(put(1, 'a'), put(2, 'b'), removal(3, 'a'));
}

async function replayed({ provider, instance }: Opened): Promise<string[]> {
  return shown(provider.replay(instance, never));
}

/** Compacted up to 7: x and y, then two changes. */
function sample(epoch: number): LogDump {
  const cursor = { epoch, revision: 12, compacted: 7 };
  return dumpOf(cursor, [put(4, 'x')], [], [put(7, 'y'), removal(9, 'x')], [put(12, 'z')]);
}

const SAMPLE = ['x@4', 'y@7', '-x@9', 'z@12'];

/** A dump that stops after its first part, and says when. */
function stalled(cursor: Cursor, part: readonly LogRecord[]) {
  const reached = Promise.withResolvers<void>();
  const rest = Promise.withResolvers<void>();
  async function* records(): AsyncIterable<readonly LogRecord[]> {
    yield part;
    reached.resolve();
    await rest.promise;
  }
  return { dump: { ...cursor, records: records() }, reached: reached.promise, rest };
}

export function testReplacement(check: Check): void {
  testRestore(check);
  testSetAside(check);
  testVerify(check);
}

function testRestore(check: Check): void {
  check('restores: what was there is replaced, cursor and all', async (site) => {
    {
      await using one = await claim(site);
      await fill(one);
      const { provider, instance, epoch } = one;
      await provider.restore(instance, sample(epoch));
      assert.deepEqual(await replayed(one), SAMPLE);
      assert.deepEqual(await provider.cursor(instance), { epoch, revision: 12, compacted: 7 });
      assert.equal(await provider.getObject(instance, 'core/things', 'b'), undefined);
      assert.deepEqual(await shown(provider.readFrom(instance, 9)), ['z@12']);
      await assert.rejects(shown(provider.readFrom(instance, 6)), { name: 'CompactedError' });
      await one.append(put(13, 'y'));
      await provider.compact(instance, 13);
      assert.deepEqual(await replayed(one), ['z@12', 'y@13']);
    }
    await using again = await claim(site);
    assert.deepEqual(await replayed(again), ['z@12', 'y@13']);
  });

  check('restores an empty log that has a past', async (site) => {
    await using one = await claim(site);
    await fill(one);
    const place = { epoch: one.epoch, revision: 90, compacted: 90 };
    await one.provider.restore(one.instance, dumpOf(place));
    assert.deepEqual(await one.provider.cursor(one.instance), place);
    assert.deepEqual(await replayed(one), []);
    await assert.rejects(one.append(put(90, 'a')), { name: 'CorruptDataError' });
    await one.append(put(91, 'a'));
  });

  check('restores another log whole, page by page', async (site) => {
    await using one = await claim(site);
    const { provider, instance } = one;
    const other = provider.instances()[1] ?? '';
    const many = Array.from({ length: 5_000 }, (_, index) => put(index + 1, `k${index % 700}`));
    await one.append(...many);
    await provider.compact(instance, 3_000);
    let { epoch } = await provider.claimEpoch(other);
    const cursor = await provider.cursor(instance);
    if (epoch !== cursor.epoch) ({ epoch } = await provider.claimEpoch(other, cursor.epoch + 9));
    const records = provider.replay(instance, never);
    await provider.restore(other, { ...cursor, epoch, records });
    assert.deepEqual(await shown(provider.replay(other, never)), await replayed(one));
    assert.deepEqual(await provider.cursor(other), { ...cursor, epoch });
  });

  check('restores only for the holder of the epoch', async (site) => {
    await using one = await claim(site);
    await fill(one);
    const { provider, instance, epoch } = one;
    const error = { name: 'EpochLostError' };
    await assert.rejects(provider.restore(instance, sample(epoch - 1)), error);
    await assert.rejects(provider.restore(instance, sample(epoch + 1)), error);
    assert.deepEqual(await replayed(one), BEFORE);
    const { dump, reached, rest } = stalled({ epoch, revision: 9, compacted: 0 }, [put(1, 'n')]);
    const restoring = provider.restore(instance, dump);
    await reached;
    await provider.claimEpoch(instance);
    rest.resolve();
    await assert.rejects(restoring, error);
    assert.deepEqual(await replayed(one), BEFORE);
  });

  check('refuses a dump that is no log, and keeps what was there', async (site) => {
    await using one = await claim(site);
    await fill(one);
    const { provider, instance, epoch } = one;
    const cursor = { epoch, revision: 9, compacted: 5 };
    for (const dump of [
      dumpOf(cursor, [put(4, 'x')], [put(4, 'y')]),
      dumpOf(cursor, [put(4, 'x')], [put(3, 'y')]),
      dumpOf(cursor, [put(10, 'x')]),
      dumpOf(cursor, [put(3, 'x'), put(4, 'x')]),
      dumpOf(cursor, [removal(4, 'x')]),
      dumpOf({ ...cursor, compacted: 10 }),
      dumpOf({ ...cursor, revision: 0.5 }),
    ]) {
      await assert.rejects(provider.restore(instance, dump), { name: 'CorruptDataError' });
      assert.deepEqual(await replayed(one), BEFORE);
    }
    await one.append(put(4, 'c'));
  });

  check('keeps what was there when the dump ends with an error', async (site) => {
    await using one = await claim(site);
    await fill(one);
    const { provider, instance, epoch } = one;
    const broken = stalled({ epoch, revision: 9, compacted: 0 }, [put(1, 'n')]);
    const restoring = provider.restore(instance, broken.dump);
    await broken.reached;
    broken.rest.reject(new Error('the source is gone'));
    await assert.rejects(restoring, /the source is gone/);
    await one.append(put(4, 'c'));
    assert.deepEqual(await replayed(one), [...BEFORE, 'c@4']);
    await provider.restore(instance, sample(epoch));
    assert.deepEqual(await replayed(one), SAMPLE);
  });

  check('keeps what was there when it ends in the middle of a restore', async (site) => {
    {
      await using one = await claim(site);
      await fill(one);
      const { provider, instance, epoch } = one;
      const { dump, reached, rest } = stalled({ epoch, revision: 9, compacted: 0 }, [put(1, 'n')]);
      const restoring = provider.restore(instance, dump);
      await reached;
      await provider[Symbol.asyncDispose]();
      rest.resolve();
      await assert.rejects(restoring, { name: 'StorageFailedError' });
    }
    await using again = await claim(site);
    assert.deepEqual(await replayed(again), BEFORE);
    await again.append(put(4, 'c'));
  });

  check('refuses writes while it restores, and answers reads', async (site) => {
    await using one = await claim(site);
    await fill(one);
    const { provider, instance, epoch } = one;
    const { dump, reached, rest } = stalled({ epoch, revision: 9, compacted: 0 }, [put(1, 'n')]);
    const restoring = provider.restore(instance, dump);
    await reached;
    const error = { name: 'StorageUnreachableError' };
    await assert.rejects(one.append(put(4, 'c')), error);
    await assert.rejects(provider.putObject(instance, put(1, 'c') as never), error);
    await assert.rejects(provider.setAside(instance, epoch), error);
    assert.deepEqual(await replayed(one), BEFORE);
    rest.resolve();
    await restoring;
    assert.deepEqual(await replayed(one), ['n@1']);
    await one.append(put(10, 'c'));
  });
}

function testSetAside(check: Check): void {
  check('puts its data aside and goes on empty, at the same epoch', async (site) => {
    {
      await using one = await claim(site);
      const { provider, instance, epoch } = one;
      await fill(one);
      const first = await provider.setAside(instance, epoch);
      assert.deepEqual(await replayed(one), []);
      assert.deepEqual(await provider.cursor(instance), { epoch, revision: 0, compacted: 0 });
      await one.append(put(1, 'n'));
      const second = await provider.setAside(instance, epoch);
      assert.notEqual(first, '');
      assert.notEqual(first, second);
      await one.append(put(1, 'o'));
    }
    await using again = await claim(site);
    assert.ok(again.epoch > 1);
    assert.deepEqual(await replayed(again), ['o@1']);
    await again.provider.restore(again.instance, sample(again.epoch));
    assert.deepEqual(await replayed(again), SAMPLE);
  });

  check('puts nothing aside for who has lost the epoch', async (site) => {
    await using one = await claim(site);
    const { provider, instance, epoch } = one;
    await fill(one);
    const next = await provider.claimEpoch(instance);
    await assert.rejects(provider.setAside(instance, epoch), { name: 'EpochLostError' });
    assert.deepEqual(await replayed(one), BEFORE);
    await provider.setAside(instance, next.epoch);
    assert.deepEqual(await replayed(one), []);
  });
}

function testVerify(check: Check): void {
  check('verifies what is stored, while batches pass', async (site) => {
    await using one = await claim(site);
    const { provider, instance } = one;
    assert.deepEqual(await provider.verify(instance, never), { records: 0, bytes: 0, revision: 0 });
    const records = Array.from({ length: 5_000 }, (_, i) => put(i + 1, `k${i % 900}`, '12345'));
    await one.append(...records, removal(5_001, 'k7'));
    const verified = { records: 5_001, bytes: 25_000, revision: 5_001 };
    assert.deepEqual(await provider.verify(instance, never), verified);
    await provider.compact(instance, 4_000);
    const [counted] = await Promise.all([
      provider.verify(instance, never),
      one.append(put(5_002, 'late')),
      one.append(removal(5_003, 'k8')),
    ]);
    assert.ok(counted.records >= 1_901 && counted.records <= 1_903, `${counted.records}`);
  });

  check('stops verifying when told to', async (site) => {
    await using one = await claim(site);
    const reason = new Error('enough');
    await assert.rejects(one.provider.verify(one.instance, AbortSignal.abort(reason)), reason);
  });

  check('finds a changed byte, serves none of it, and can put it all aside', async (site) => {
    if (site.damage === undefined) return;
    let instance: string;
    {
      await using one = await claim(site);
      ({ instance } = one);
      await one.append(...Array.from({ length: 300 }, (_, index) => put(index + 1, `k${index}`)));
    }
    await site.damage(instance);
    const provider = site.open();
    await using _ = provider;
    await provider.initialize(machine);
    const error = { name: 'CorruptDataError' };
    await assert.rejects(provider.verify(instance, never), error);
    await assert.rejects(shown(provider.replay(instance, never)), error);
    await provider.setAside(instance, undefined);
    assert.equal(provider.instanceStatus(instance).status, true);
    assert.equal((await provider.verify(instance, never)).records, 0);
    const { epoch } = await provider.claimEpoch(instance, 7);
    await provider.restore(instance, sample(epoch));
    assert.deepEqual(await shown(provider.replay(instance, never)), SAMPLE);
  });
}
