// What the log does of its own in the order of writes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EpochLostError } from '#persistence/errors.ts';
import { at, fixture, pod } from './store-fixture.ts';

test('it runs when all before it is decided, and before anything after it has begun', async () => {
  const { store, log } = await fixture({});
  log.script = () => 'hold';
  const before = store.put(at('before', 0), pod('before'));
  const work = Promise.withResolvers<void>();
  const seen: string[] = [];
  const sequenced = log.sequence(2, async (first) => {
    seen.push(`runs at ${first}`);
    await work.promise;
    log.epoch = 7;
  });
  const after = store.put(at('after', 0), pod('after'));
  const held = await log.nextHeld();
  assert.deepEqual(seen, []);
  held.succeed();
  const { revision } = await before;
  assert.equal(
    held.records.length,
    1,
    'what comes after it does not share a batch with what came before',
  );
  assert.deepEqual([seen, log.held], [[`runs at ${revision + 1}`], []]);
  work.resolve();
  const next = await log.nextHeld();
  await sequenced;
  assert.equal(store.revision, revision + 2);
  assert.deepEqual(
    next.records.map((record) => record.revision),
    [revision + 3],
  );
  next.succeed();
  await after;
});

test('relaxed writes that were acknowledged before it are durable before it', async () => {
  const LEASES = 'coordination.k8s.io/leases';
  const { store, log } = await fixture({ relaxed: [LEASES] });
  const put = (name: string) =>
    store.put(
      { resource: LEASES, namespace: 'default', name, expectedRevision: 0 },
      {
        kind: 'Lease',
        apiVersion: 'coordination.k8s.io/v1',
        metadata: { name, namespace: 'default', uid: `uid-${name}` },
      },
    );
  await put('a');
  const { revision } = await put('b');
  let newest = 0;
  await log.sequence(1, () => {
    newest = log.records.at(-1)?.revision ?? 0;
    return Promise.resolve();
  });
  assert.equal(newest, revision);
});

test('where it fails writes go on; where the log is lost they do not', async () => {
  const { store, log } = await fixture({});
  await assert.rejects(
    log.sequence(1, () => Promise.reject(new Error('not now'))),
    /not now/,
  );
  await store.put(at('a', 0), pod('a'));
  const lost = new EpochLostError('scripted', 1, 2);
  await assert.rejects(log.sequence(1, () => Promise.reject(lost)));
  await assert.rejects(store.put(at('b', 0), pod('b')), { name: 'StorageUnavailableError' });
  await assert.rejects(
    log.sequence(1, () => Promise.resolve()),
    { name: 'StorageUnavailableError' },
  );
});
