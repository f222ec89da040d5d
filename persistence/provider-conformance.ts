// What every LogPersistenceProvider must do, as tests over a factory. Takes the test function as an argument, so that it can
// be given to authors of providers without bringing a test framework along.
import assert from 'node:assert/strict';
import { claim, dumpOf, machine, never, put, removal, shown } from './conformance-site.ts';
import type { ConformanceSite, TestFunction } from './conformance-site.ts';
import { decodeBatch, encodeBatch } from './encoding.ts';
import { testReplacement } from './replacement-conformance.ts';

/** Registers the suite. `makeSite` gives a fresh, empty site each time. */
export function testProvider(
  test: TestFunction,
  name: string,
  makeSite: () => Promise<ConformanceSite>,
): void {
  const check = (title: string, body: (site: ConformanceSite) => Promise<void>): void => {
    test(`${name} ${title}`, async () => {
      await using site = await makeSite();
      await body(site);
    });
  };

  check('names its instances after their configuration', async (site) => {
    await using one = await claim(site);
    const names = one.provider.instances();
    assert.ok(names.length >= 2);
    assert.equal(new Set(names).size, names.length);
    for (const instance of names) assert.match(instance, /^[a-z0-9]+-[0-9a-f]{6,}$/);
    assert.deepEqual(site.open().instances(), names);
  });

  check('answers for an unknown instance: does not exist, every other call fails', async (site) => {
    await using one = await claim(site);
    const { provider } = one;
    const unknown = 'nothing-00000000';
    assert.equal(provider.instanceStatus(unknown).exists, false);
    const error = { name: 'UnknownInstanceError' };
    const batch = encodeBatch({ epoch: 1, records: [put(1, 'a')] });
    await assert.rejects(async () => provider.putObject(unknown, put(1, 'a') as never), error);
    await assert.rejects(async () => provider.deleteObject(unknown, 'k', 'a'), error);
    await assert.rejects(async () => provider.getObject(unknown, 'k', 'a'), error);
    await assert.rejects(async () => provider.getAllObjects(unknown, 'k'), error);
    await assert.rejects(async () => provider.claimEpoch(unknown), error);
    await assert.rejects(async () => provider.cursor(unknown), error);
    await assert.rejects(async () => provider.append(unknown, batch), error);
    await assert.rejects(async () => provider.compact(unknown, 1), error);
    const dump = dumpOf({ epoch: 1, revision: 0, compacted: 0 });
    await assert.rejects(async () => provider.restore(unknown, dump), error);
    await assert.rejects(async () => provider.setAside(unknown, 1), error);
    await assert.rejects(async () => provider.verify(unknown, never), error);
    await assert.rejects(async () => shown(provider.replay(unknown, never)), error);
    await assert.rejects(async () => shown(provider.readFrom(unknown, 0)), error);
  });

  check('keeps objects by the seven verbs', async (site) => {
    await using one = await claim(site);
    const { provider, instance } = one;
    const object = { kind: 'core/things', key: 'ns/a', value: Buffer.from('1') };
    assert.equal(await provider.getObject(instance, 'core/things', 'ns/a'), undefined);
    assert.equal(await provider.putObject(instance, object), 'ns/a');
    await provider.putObject(instance, { ...object, kind: 'core/others', value: Buffer.from('x') });
    await provider.putObject(instance, { ...object, key: 'ns/b', value: Buffer.alloc(0) });
    await provider.putObject(instance, { ...object, value: Buffer.from('2') });
    const found = await provider.getObject(instance, 'core/things', 'ns/a');
    assert.equal(Buffer.from(found?.value ?? []).toString(), '2');
    const all = await provider.getAllObjects(instance, 'core/things');
    assert.deepEqual(all.map(({ key }) => key).toSorted(), ['ns/a', 'ns/b']);
    await provider.deleteObject(instance, 'core/things', 'ns/a');
    await provider.deleteObject(instance, 'core/things', 'never there');
    assert.equal(await provider.getObject(instance, 'core/things', 'ns/a'), undefined);
    assert.equal((await provider.getAllObjects(instance, 'core/others')).length, 1);
  });

  check('measures the latency of what it persists, per instance', async (site) => {
    await using one = await claim(site);
    const { provider, instance } = one;
    const other = provider.instances()[1] ?? '';
    await one.append(put(1, 'a'));
    const status = provider.instanceStatus(instance);
    assert.deepEqual([status.exists, status.status], [true, true]);
    assert.ok(status.meanPersistLatency > 0 && status.meanPersistLatency < 30);
    assert.equal(provider.instanceStatus(other).meanPersistLatency, 0);
  });

  check('keeps instances apart', async (site) => {
    await using one = await claim(site);
    const { provider } = one;
    const other = provider.instances()[1] ?? '';
    await one.append(put(1, 'a'));
    assert.deepEqual(await shown(provider.replay(other, never)), []);
    assert.equal((await provider.cursor(other)).revision, 0);
  });

  check('replays what was appended, in order, also after it was opened anew', async (site) => {
    const lines = ['a@1', 'b@2', 'a@5', '-b@6'];
    {
      await using one = await claim(site);
      await one.append(put(1, 'a'), put(2, 'b'));
      await one.append(put(5, 'a'), removal(6, 'b'));
      assert.deepEqual(await shown(one.provider.replay(one.instance, never)), lines);
    }
    await using again = await claim(site);
    assert.deepEqual(await shown(again.provider.replay(again.instance, never)), lines);
    assert.deepEqual(await shown(again.provider.readFrom(again.instance, 2)), lines.slice(2));
    assert.deepEqual(await shown(again.provider.readFrom(again.instance, 6)), []);
  });

  check('keeps bytes as they are, from none to some megabytes', async (site) => {
    await using one = await claim(site);
    const values = [0, 1, 4_096, 3 << 20].map((size) =>
      Buffer.alloc(size, Buffer.from([0, 255, 10, 200])),
    );
    const records = values.map((value, index) => ({ ...put(index + 1, `k${index}`), value }));
    await one.append(...records);
    const found: Uint8Array[] = [];
    for await (const chunk of one.provider.replay(one.instance, never)) {
      for (const { value } of chunk) found.push(value ?? Buffer.from('missing'));
    }
    assert.deepEqual(
      found.map((value) => Buffer.from(value)),
      values,
    );
  });

  check('reads logs longer than any page', async (site) => {
    await using one = await claim(site);
    const records = Array.from({ length: 5_000 }, (_, index) => put(index + 1, `k${index}`));
    await one.append(...records);
    const lines = await shown(one.provider.replay(one.instance, never));
    assert.equal(lines.length, 5_000);
    assert.equal(lines.at(-1), 'k4999@5000');
    assert.equal((await shown(one.provider.readFrom(one.instance, 1_234))).length, 3_766);
  });

  check('raises the epoch with each claim and lets only the newest append', async (site) => {
    await using one = await claim(site);
    const { provider, instance, epoch } = one;
    await one.append(put(1, 'a'));
    const next = await provider.claimEpoch(instance);
    assert.equal(next.epoch, epoch + 1);
    assert.equal(next.revision, 1);
    assert.equal((await provider.claimEpoch(instance, 1)).epoch, epoch + 2);
    const far = await provider.claimEpoch(instance, epoch + 40);
    assert.equal(far.epoch, epoch + 40);
    await assert.rejects(one.append(put(2, 'a')), { name: 'EpochLostError' });
    await provider.append(instance, encodeBatch({ epoch: far.epoch, records: [put(2, 'b')] }));
    assert.deepEqual(await shown(provider.replay(instance, never)), ['a@1', 'b@2']);
  });

  check('refuses revisions that do not grow, as a whole', async (site) => {
    await using one = await claim(site);
    await one.append(put(5, 'a'));
    await assert.rejects(one.append(put(5, 'b'), put(6, 'c')), { name: 'CorruptDataError' });
    await assert.rejects(one.append(put(4, 'b'), put(9, 'c')), { name: 'CorruptDataError' });
    assert.deepEqual(await shown(one.provider.replay(one.instance, never)), ['a@5']);
    await one.append(put(6, 'b'));
  });

  check('refuses a damaged batch and works on', async (site) => {
    await using one = await claim(site);
    const damaged = new Uint8Array(encodeBatch({ epoch: one.epoch, records: [put(1, 'a')] }));
    // In the header of its first record.
    damaged[50] = 0xff;
    await assert.rejects(one.provider.append(one.instance, damaged.buffer), {
      name: 'CorruptDataError',
    });
    await one.append(put(1, 'a'));
    assert.deepEqual(await shown(one.provider.replay(one.instance, never)), ['a@1']);
  });

  check('takes over the batch buffer', async (site) => {
    await using one = await claim(site);
    const batch = encodeBatch({ epoch: one.epoch, records: [put(1, 'a')] });
    assert.equal(decodeBatch(batch).records.length, 1);
    const appending = one.provider.append(one.instance, batch);
    assert.equal(batch.byteLength, 0);
    await appending;
  });

  check('gives a batch back where it says so, as it was', async (site) => {
    await using one = await claim(site);
    const { epoch, instance, provider } = one;
    const encoded = (revision: number) => encodeBatch({ epoch, records: [put(revision, 'a')] });
    if (provider.appendAndReturn === undefined) return;
    const append = async (batch: ArrayBuffer): Promise<ArrayBuffer | undefined> =>
      provider.appendAndReturn?.(instance, batch);
    const batches = [encoded(1), encoded(2)];
    const returned = await Promise.all(batches.map(append));
    assert.deepEqual(
      batches.map(({ byteLength }) => byteLength),
      [0, 0],
    );
    assert.deepEqual(
      returned.map((batch) => batch && new Uint8Array(batch)),
      [encoded(1), encoded(2)].map((batch) => new Uint8Array(batch)),
    );
    await assert.rejects(append(encoded(2)), { name: 'CorruptDataError' });
    assert.deepEqual(await shown(provider.readFrom(instance, 1)), ['a@2']);
  });

  check('commits batches that are appended at once, each in its order', async (site) => {
    await using one = await claim(site);
    const revisions = Array.from({ length: 200 }, (_, index) => index + 1);
    await Promise.all(revisions.map((revision) => one.append(put(revision, `k${revision}`))));
    const lines = await shown(one.provider.replay(one.instance, never));
    assert.deepEqual(
      lines,
      revisions.map((revision) => `k${revision}@${revision}`),
    );
  });

  check('compacts: the state then and every change since stay', async (site) => {
    await using one = await claim(site);
    const { provider, instance } = one;
    await one.append(put(1, 'a'), put(2, 'b'), put(3, 'c'), put(4, 'a'), removal(5, 'b'));
    await one.append(put(6, 'a'), removal(7, 'c'), put(8, 'b'));
    await provider.compact(instance, 5);
    const lines = ['c@3', 'a@4', 'a@6', '-c@7', 'b@8'];
    assert.deepEqual(await shown(provider.replay(instance, never)), lines);
    assert.deepEqual(await shown(provider.readFrom(instance, 5)), lines.slice(2));
    await assert.rejects(shown(provider.readFrom(instance, 4)), { name: 'CompactedError' });
    if (provider.batchesFrom !== undefined) {
      const encoded = await Array.fromAsync(provider.batchesFrom(instance, 5));
      const keys = encoded.flatMap((batch) => decodeBatch(batch).records.map(({ key }) => key));
      assert.deepEqual(keys, ['a', 'c', 'b']);
      const compacted = Array.fromAsync(provider.batchesFrom(instance, 4));
      await assert.rejects(compacted, { name: 'CompactedError' });
    }
    assert.equal((await provider.cursor(instance)).compacted, 5);
    await provider.compact(instance, 3);
    assert.deepEqual(await shown(provider.replay(instance, never)), lines);
    assert.equal((await provider.cursor(instance)).compacted, 5);
  });

  check('never lets the revision go back, whatever was deleted and compacted', async (site) => {
    {
      await using one = await claim(site);
      await one.append(put(1, 'a'), put(2, 'b'));
      await one.append(removal(3, 'a'), removal(9, 'b'));
      await one.provider.compact(one.instance, 1_000);
      assert.deepEqual(await shown(one.provider.replay(one.instance, never)), []);
    }
    await using again = await claim(site);
    const cursor = await again.provider.cursor(again.instance);
    assert.deepEqual([cursor.revision, cursor.compacted], [9, 9]);
    await assert.rejects(again.append(put(9, 'a')), { name: 'CorruptDataError' });
  });

  check('compacts many changes while batches commit', async (site) => {
    await using one = await claim(site);
    for (let round = 0; round < 5; round += 1) {
      const first = round * 1_000 + 1;
      await one.append(
        ...Array.from({ length: 1_000 }, (_, index) => put(first + index, `k${index % 100}`)),
      );
    }
    const compacting = one.provider.compact(one.instance, 4_500);
    for (let revision = 5_001; revision <= 5_020; revision += 1) {
      await one.append(put(revision, 'late'));
    }
    await compacting;
    const lines = await shown(one.provider.replay(one.instance, never));
    assert.equal(lines.length, 100 + 500 + 20);
  });

  check('stops replaying when told to', async (site) => {
    await using one = await claim(site);
    await one.append(put(1, 'a'));
    const reason = new Error('enough');
    const replay = shown(one.provider.replay(one.instance, AbortSignal.abort(reason)));
    await assert.rejects(replay, reason);
  });

  check('fails every call once it is disposed', async (site) => {
    const one = await claim(site);
    await one[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
    assert.equal(one.provider.instanceStatus(one.instance).status, false);
    await assert.rejects(one.append(put(1, 'a')), { name: 'StorageFailedError' });
    await assert.rejects(shown(one.provider.replay(one.instance, never)));
  });

  check('opens nothing twice when it is initialized again', async (site) => {
    await using one = await claim(site);
    await one.append(put(1, 'a'));
    await one.provider.initialize(machine);
    await one.append(put(2, 'b'));
    assert.deepEqual(await shown(one.provider.replay(one.instance, never)), ['a@1', 'b@2']);
  });

  check('leaves notes for other holders, where it has a place for them', async (site) => {
    await using one = await claim(site);
    const { holders } = one.provider;
    if (holders === undefined) return;
    assert.equal(await holders.read(one.instance), undefined);
    await holders.write(one.instance, 'first');
    await holders.write(one.instance, '{"second":"ü"}');
    assert.deepEqual(await holders.read(one.instance), { text: '{"second":"ü"}' });
    assert.deepEqual(await shown(one.provider.replay(one.instance, never)), []);
  });

  testReplacement(check);
}
