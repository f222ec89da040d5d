// Single objects out of a log of segments: as a walk over all of it would find them, and without that walk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '../provider.ts';
import type { BlobStore } from './blob-store.ts';
import { FaultyWorld, randomFrom } from './faulty-store-fixture.ts';
import { SegmentEngine } from './segment-engine.ts';

/** Counts the blobs that are read. */
function counted(store: BlobStore): { readonly store: BlobStore; readonly reads: () => number } {
  let reads = 0;
  const counting = new Proxy(store, {
    get(target, name) {
      if (name === 'get') reads += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { store: counting, reads: () => reads };
}

const KINDS = ['core/pods', 'core/secrets'];
const text = (record: LogRecord | undefined): string =>
  record?.value === undefined ? '-' : `${record.revision} ${Buffer.from(record.value).toString()}`;

test('whatever was written, deleted, compacted and put aside, each object is found as it is', async () => {
  const random = randomFrom(7);
  const pick = (count: number): number => Math.floor(random() * count);
  const world = new FaultyWorld(7);
  const engine = new SegmentEngine({ store: world.open(), writer: 'one' });
  await engine.open();
  const { epoch } = await engine.claim('one', 0);
  let revision = 0;
  let live = new Map<string, LogRecord>();
  for (let step = 0; step < 400; step += 1) {
    const records = Array.from({ length: 1 + pick(5) }, (): LogRecord => {
      revision += 1 + pick(3);
      const [kind = '', key] = [KINDS[pick(2)], `k${pick(12)}`];
      const named = { revision, kind, key };
      return pick(4) === 0 ? named : { ...named, value: Buffer.from(`v${revision}`) };
    });
    assert.deepEqual(await engine.append([{ epoch, records }]), [undefined]);
    for (const record of records) live.set(`${record.kind} ${record.key}`, record);
    if (pick(20) === 0) while (!(await engine.compact(revision - pick(30))));
    if (step === 200) {
      await engine.setAside(epoch);
      live = new Map();
    }
    const [kind = '', key] = [KINDS[pick(2)], `k${pick(12)}`];
    assert.equal(text(await engine.get(kind, key)), text(live.get(`${kind} ${key}`)));
    if (pick(10) > 0) continue;
    const found = await engine.getAll(kind);
    const expected = [...live.values()]
      .filter((record) => record.kind === kind && record.value !== undefined)
      .toSorted((left, right) => left.revision - right.revision);
    assert.deepEqual(found.map(text), expected.map(text));
  }
});

test('one blob is read for one object, however long the log is', async () => {
  const { store, reads } = counted(new FaultyWorld(1).open());
  const engine = new SegmentEngine({ store, writer: 'one' });
  await engine.open();
  const { epoch } = await engine.claim('one', 0);
  for (let revision = 1; revision <= 100; revision += 1) {
    const record = { revision, kind: 'core/pods', key: `k${revision}`, value: Buffer.from('x') };
    await engine.append([{ epoch, records: [record] }]);
  }
  await engine.get('core/pods', 'k1');
  const before = reads();
  for (let revision = 1; revision <= 100; revision += 1)
    assert.equal((await engine.get('core/pods', `k${revision}`))?.revision, revision);
  assert.equal(reads() - before, 100);
  assert.equal(await engine.get('core/pods', 'absent'), undefined);
  assert.equal(reads() - before, 100);
});
