import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  EpochLostError,
  StorageFailedError,
  StorageFullError,
  StorageUnreachableError,
} from '#persistence/errors.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { KubernetesObject } from '../api/object.ts';
import { at, fixture, pod, PODS, recorder } from './store-fixture.ts';

test('put() stores kind and apiVersion first and the revision as resourceVersion', async () => {
  const { store } = await fixture();
  const stored = await store.put(at('a', 0), pod('a', { spec: { x: 'ü' } }));
  const text = stored.bytes.toString();
  assert.ok(text.startsWith('{"kind":"Pod","apiVersion":"v1",'), text);
  assert.equal((JSON.parse(text) as KubernetesObject).metadata.resourceVersion, '1');
  assert.deepEqual(
    [stored.namespace, stored.name, stored.uid, stored.revision, stored.labels],
    ['default', 'a', 'uid-a', 1, { app: 'a' }],
  );
  assert.equal(store.get(PODS, 'default', 'a'), stored);
  assert.equal(store.get(PODS, 'other', 'a'), undefined);
  assert.equal(store.count(PODS), 1);
});

test('nothing of a write is visible before it is durable', async () => {
  const { store, log } = await fixture();
  log.script = () => 'hold';
  const sink = recorder();
  store.watch(PODS, 0, sink);
  const writing = store.put(at('a', 0), pod('a'));
  const held = await log.nextHeld();
  assert.equal(store.get(PODS, 'default', 'a'), undefined);
  assert.deepEqual([store.revision, store.count(PODS), sink.seen], [0, 0, []]);
  held.succeed();
  await writing;
  assert.deepEqual([store.revision, store.count(PODS), sink.seen], [1, 1, [['ADDED a@1']]]);
});

test('watchers hear of a write before its writer does', async () => {
  const { store } = await fixture();
  const order: string[] = [];
  store.watch(PODS, 0, { events: () => order.push('watcher'), closed: () => undefined });
  await store.put(at('a', 0), pod('a')).then(() => order.push('writer'));
  assert.deepEqual(order, ['watcher', 'writer']);
});

test('writes that come together share a batch, later ones wait for it', async () => {
  const { store, log } = await fixture();
  log.script = () => 'hold';
  const first = [store.put(at('a', 0), pod('a')), store.put(at('b', 0), pod('b'))];
  const held = await log.nextHeld();
  first.push(store.put(at('c', 0), pod('c')), store.put(at('d', 0), pod('d')));
  await turn();
  assert.deepEqual(
    held.records.map(({ key }) => key),
    ['default/a', 'default/b'],
  );
  assert.equal(log.held.length, 0);
  held.succeed();
  const next = await log.nextHeld();
  assert.deepEqual(
    next.records.map(({ revision }) => revision),
    [3, 4],
  );
  next.succeed();
  await Promise.all(first);
});

test('a batch has at most 1,024 objects and about 4 MiB', async () => {
  const { store, log } = await fixture();
  const sizes: number[] = [];
  log.script = (records) => {
    sizes.push(records.length);
    return 'succeed';
  };
  await Promise.all(
    Array.from({ length: 1_500 }, (_, i) => store.put(at(`p${i}`, 0), pod(`p${i}`))),
  );
  assert.deepEqual(sizes.splice(0), [1_024, 476]);
  const big = { data: 'x'.repeat(1_500_000) };
  await Promise.all([0, 1, 2, 3].map((i) => store.put(at(`b${i}`, 0), pod(`b${i}`, big))));
  assert.deepEqual(sizes, [2, 2]);
});

test('compare-and-set is judged against the newest write in flight', async () => {
  const { store } = await fixture();
  const outcomes = await Promise.allSettled([
    store.put(at('a', 0), pod('a')),
    store.put(at('a', 0), pod('a')),
    store.put(at('a', 1), pod('a')),
    store.put(at('a', 1), pod('a')),
    store.delete(at('a', 1), pod('a')),
    store.delete(at('a', 2), pod('a')),
    store.put(at('a', 2), pod('a')),
    store.put(at('a', 0), pod('a')),
    store.delete(at('b', 0), pod('b')),
    store.put(at('b', 7), pod('b')),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.revision : (outcome.reason as Error).name,
    ),
    [
      1,
      'KeyExistsError',
      2,
      'RevisionConflictError',
      'RevisionConflictError',
      3,
      'RevisionConflictError',
      4,
      'RevisionConflictError',
      'RevisionConflictError',
    ],
  );
});

test('a refusal because of a write in flight is told when that one is durable, not before', async () => {
  const { store, log } = await fixture();
  log.script = () => 'hold';
  const first = store.put(at('a', 0), pod('a'));
  let refused = '';
  const second = store.put(at('a', 0), pod('a')).catch((error: Error) => (refused = error.name));
  const held = await log.nextHeld();
  await turn();
  assert.equal(refused, '');
  held.succeed();
  await Promise.all([first, second]);
  assert.equal(refused, 'KeyExistsError');
});

test('a write that would be refused because of one that fails, fails too', async () => {
  const { store, log } = await fixture();
  await store.put(at('a', 0), pod('a'));
  log.script = () => 'hold';
  const first = store.put(at('a', 1), pod('a'));
  const second = store.put(at('a', 1), pod('a'));
  // It contradicts what everybody sees: no need to wait.
  await assert.rejects(store.put(at('a', 7), pod('a')), { name: 'RevisionConflictError' });
  (await log.nextHeld()).fail(new StorageFullError('the disk'));
  await assert.rejects(first, { name: 'StorageUnavailableError' });
  await assert.rejects(second, { name: 'StorageUnavailableError' });
  assert.equal(store.get(PODS, 'default', 'a')?.revision, 1);
});

test('a write in flight is not forgotten when the one before it is durable', async () => {
  const { store, log } = await fixture();
  log.script = () => 'hold';
  const first = store.put(at('a', 0), pod('a'));
  const held = await log.nextHeld();
  const second = store.put(at('a', 1), pod('a'));
  held.succeed();
  await first;
  const third = store.put(at('a', 1), pod('a'));
  const refusal = assert.rejects(third, { name: 'RevisionConflictError' });
  (await log.nextHeld()).succeed();
  assert.equal((await second).revision, 2);
  await refusal;
});

test('of many writers that saw the same revision exactly one wins', async () => {
  const { store } = await fixture();
  await store.put(at('a', 0), pod('a'));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, () => store.put(at('a', 1), pod('a'))),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

for (const error of [
  new StorageFullError('state.db'),
  new StorageUnreachableError('Cannot reach s3://bucket: timed out'),
]) {
  test(`${error.name} takes with its batch what was stacked on it, and nothing else`, async () => {
    const { store, log } = await fixture();
    log.script = () => 'hold';
    const sink = recorder();
    store.watch(PODS, 0, sink);
    const failing = store.put(at('a', 0), pod('a'));
    const held = await log.nextHeld();
    const stacked = store.put(at('a', 1), pod('a'));
    const stackedTwice = store.delete(at('a', 2), pod('a'));
    const apart = store.put(at('b', 0), pod('b'));
    held.fail(error);
    for (const write of [failing, stacked, stackedTwice]) {
      await assert.rejects(write, { name: 'StorageUnavailableError', message: error.message });
    }
    (await log.nextHeld()).succeed();
    assert.equal((await apart).revision, 4);
    assert.deepEqual(sink.seen, [['ADDED b@4']]);
    assert.equal(store.get(PODS, 'default', 'a'), undefined);
    log.script = () => 'succeed';
    assert.equal((await store.put(at('a', 0), pod('a'))).revision, 5, 'revisions are never reused');
  });
}

for (const error of [
  new StorageFailedError('Cannot use state.db: disk I/O error'),
  new EpochLostError('sqlite-1', 1, 2),
]) {
  test(`after ${error.name} nothing is written any more, and the owner is told once`, async () => {
    const failures: Error[] = [];
    const { store, log } = await fixture({ onFailure: (failure) => failures.push(failure) });
    await store.put(at('a', 0), pod('a'));
    log.script = () => 'hold';
    const writing = store.put(at('b', 0), pod('b'));
    const held = await log.nextHeld();
    const queued = store.put(at('c', 0), pod('c'));
    held.fail(error);
    await assert.rejects(writing, { name: 'StorageUnavailableError', cause: error });
    await assert.rejects(queued, { name: 'StorageUnavailableError' });
    await assert.rejects(store.put(at('d', 0), pod('d')), { name: 'StorageUnavailableError' });
    assert.deepEqual(failures, [error]);
    assert.equal(store.list(PODS, {}).items.length, 1, 'reads go on');
  });
}

test('an object that cannot be encoded is rejected and takes no revision', async () => {
  const { store } = await fixture();
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  await assert.rejects(store.put(at('a', 0), pod('a', { spec: loop })), TypeError);
  assert.equal((await store.put(at('a', 0), pod('a'))).revision, 1);
});

test('settled() waits for the writes of one key, whatever becomes of them', async () => {
  const { store, log } = await fixture();
  await store.settled(PODS, 'default', 'a');
  log.script = () => 'hold';
  const writing = store.put(at('a', 0), pod('a'));
  const held = await log.nextHeld();
  const stacked = store.put(at('a', 1), pod('a'));
  let isSettled = false;
  const settled = store.settled(PODS, 'default', 'a').then(() => (isSettled = true));
  await store.settled(PODS, 'default', 'b');
  assert.equal(isSettled, false);
  held.fail(new StorageFullError('x'));
  await Promise.allSettled([writing, stacked, settled]);
  assert.equal(isSettled, true);
});

test('reached() waits for a revision, and ends with the signal', async () => {
  const { store } = await fixture();
  await store.reached(0, new AbortController().signal);
  const reached = store.reached(2, new AbortController().signal).then(() => store.revision);
  const controller = new AbortController();
  const never = store.reached(99, controller.signal);
  await store.put(at('a', 0), pod('a'));
  await store.put(at('b', 0), pod('b'));
  assert.equal(await reached, 2);
  const reason = new Error('client gone');
  controller.abort(reason);
  await assert.rejects(never, reason);
  await assert.rejects(store.reached(99, controller.signal), reason);
});

test('disposing lets writes in flight finish, refuses later ones and closes watches', async () => {
  const { store, log } = await fixture();
  log.script = () => 'hold';
  const sink = recorder();
  store.watch(PODS, 0, sink);
  const writing = store.put(at('a', 0), pod('a'));
  const disposing = store[Symbol.asyncDispose]();
  await assert.rejects(store.put(at('b', 0), pod('b')), { name: 'StorageUnavailableError' });
  (await log.nextHeld()).succeed();
  await disposing;
  assert.equal((await writing).revision, 1);
  assert.deepEqual([sink.seen, sink.closings], [[['ADDED a@1']], 1]);
});

test('disposing does not wait for an instance that turns out to hang', async () => {
  const { store, log } = await fixture();
  log.script = () => 'hold';
  const writing = store.put(at('a', 0), pod('a'));
  const refused = assert.rejects(writing, {
    name: 'StorageUnavailableError',
    message: /^it hangs; this write was under way, and becomes visible once/,
  });
  await log.nextHeld();
  const disposing = store[Symbol.asyncDispose]();
  log.tell({ state: 'Blocked', reason: new Error('it hangs') });
  await Promise.all([disposing, refused]);
});

test('metrics count objects, batches and failures under upstream names', async () => {
  const metrics = new MetricsRegistry();
  const { store, log } = await fixture({ metrics });
  await store.put(at('a', 0), pod('a'));
  await store.put({ ...at('d', 0), resource: 'apps/deployments' }, pod('d'));
  log.script = () => new StorageFullError('x');
  await assert.rejects(store.put(at('a', 1), pod('a')));
  const text = await metrics.expose();
  for (const line of [
    'apiserver_storage_objects{resource="pods"} 1',
    'apiserver_storage_objects{resource="deployments.apps"} 1',
    'etcd_requests_total{operation="create",type="pods"} 1',
    'etcd_request_errors_total{operation="update",type="pods"} 1',
    'etcd_request_duration_seconds_count{operation="create",type="deployments.apps"} 1',
    'windlass_persistence_instance_up{provider="scripted",instance="scripted-00000000"} 1',
    'windlass_persistence_mean_latency_seconds{provider="scripted",instance="scripted-00000000"} 0.25',
    'windlass_persistence_persist_seconds_count{provider="scripted",instance="scripted-00000000"} 3',
    'windlass_persistence_errors_total{provider="scripted",instance="scripted-00000000",error="StorageFullError"} 1',
  ]) {
    assert.ok(text.includes(line), `${line}\nnot in\n${text}`);
  }
});
