import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { EpochLostError, StorageFailedError, StorageFullError } from '#persistence/errors.ts';
import type { Clock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { ApiError } from '../api/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import { ScriptedProvider } from './scripted-provider.ts';
import { openStore } from './store.ts';
import type { OpenStoreOptions } from './store.ts';
import type { StoreEvent, WatchSink, WriteOptions } from './types.ts';

const PODS = 'core/pods';

/** Hands that the test turns. */
class TestClock implements Clock {
  #now = 1_000_000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { callback } of due) callback();
    await turn();
  }
}

function pod(name: string, fields: Record<string, unknown> = {}): KubernetesObject {
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { app: name } },
    ...fields,
    apiVersion: 'v1',
    kind: 'Pod',
  };
}

function at(name: string, expectedRevision: number): WriteOptions {
  return { resource: PODS, namespace: 'default', name, expectedRevision };
}

async function fixture(options: Partial<OpenStoreOptions> = {}) {
  const provider = new ScriptedProvider();
  const clock = new TestClock();
  const { instance } = ScriptedProvider;
  const store = await openStore({ provider, instance, clock, ...options });
  return {
    provider,
    clock,
    store,
    reopen: () => openStore({ provider, instance, clock, ...options }),
  };
}

function recorder(): WatchSink & { readonly seen: string[][]; closings: number } {
  return {
    seen: [],
    closings: 0,
    events(events: readonly StoreEvent[]) {
      this.seen.push(
        events.map(({ type, revision, object }) => `${type} ${object.name}@${revision}`),
      );
    },
    closed() {
      this.closings += 1;
    },
  };
}

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
  const { store, provider } = await fixture();
  provider.script = () => 'hold';
  const sink = recorder();
  store.watch(PODS, 0, sink);
  const writing = store.put(at('a', 0), pod('a'));
  const held = await provider.nextHeld();
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
  const { store, provider } = await fixture();
  provider.script = () => 'hold';
  const first = [store.put(at('a', 0), pod('a')), store.put(at('b', 0), pod('b'))];
  const held = await provider.nextHeld();
  first.push(store.put(at('c', 0), pod('c')), store.put(at('d', 0), pod('d')));
  await turn();
  assert.deepEqual(
    held.records.map(({ key }) => key),
    ['default/a', 'default/b'],
  );
  assert.equal(provider.held.length, 0);
  held.succeed();
  const next = await provider.nextHeld();
  assert.deepEqual(
    next.records.map(({ revision }) => revision),
    [3, 4],
  );
  next.succeed();
  await Promise.all(first);
});

test('a batch has at most 1,024 objects and about 4 MiB', async () => {
  const { store, provider } = await fixture();
  const sizes: number[] = [];
  provider.script = (records) => {
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

test('a write in flight is not forgotten when the one before it is durable', async () => {
  const { store, provider } = await fixture();
  provider.script = () => 'hold';
  const first = store.put(at('a', 0), pod('a'));
  const held = await provider.nextHeld();
  const second = store.put(at('a', 1), pod('a'));
  held.succeed();
  await first;
  await assert.rejects(store.put(at('a', 1), pod('a')), { name: 'RevisionConflictError' });
  (await provider.nextHeld()).succeed();
  assert.equal((await second).revision, 2);
});

test('of many writers that saw the same revision exactly one wins', async () => {
  const { store } = await fixture();
  await store.put(at('a', 0), pod('a'));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, () => store.put(at('a', 1), pod('a'))),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a failed batch takes with it what was stacked on it, and nothing else', async () => {
  const { store, provider } = await fixture();
  provider.script = () => 'hold';
  const sink = recorder();
  store.watch(PODS, 0, sink);
  const failing = store.put(at('a', 0), pod('a'));
  const held = await provider.nextHeld();
  const stacked = store.put(at('a', 1), pod('a'));
  const stackedTwice = store.delete(at('a', 2), pod('a'));
  const apart = store.put(at('b', 0), pod('b'));
  held.fail(new StorageFullError('state.db'));
  for (const write of [failing, stacked, stackedTwice]) {
    await assert.rejects(write, { name: 'StorageUnavailableError', message: /no space left/ });
  }
  (await provider.nextHeld()).succeed();
  assert.equal((await apart).revision, 4);
  assert.deepEqual(sink.seen, [['ADDED b@4']]);
  assert.equal(store.get(PODS, 'default', 'a'), undefined);
  provider.script = () => 'succeed';
  assert.equal((await store.put(at('a', 0), pod('a'))).revision, 5, 'revisions are never reused');
});

for (const error of [
  new StorageFailedError('Cannot use state.db: disk I/O error'),
  new EpochLostError('sqlite-1', 1, 2),
]) {
  test(`after ${error.name} nothing is written any more, and the owner is told once`, async () => {
    const failures: Error[] = [];
    const { store, provider } = await fixture({ onFailure: (failure) => failures.push(failure) });
    await store.put(at('a', 0), pod('a'));
    provider.script = () => 'hold';
    const writing = store.put(at('b', 0), pod('b'));
    const held = await provider.nextHeld();
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

test('watch() gives history at once, then what is live, each event once', async () => {
  const { store } = await fixture();
  await store.put(at('a', 0), pod('a'));
  await store.put(at('a', 1), pod('a'));
  await store.put({ ...at('x', 0), resource: 'core/secrets' }, pod('x'));
  await store.delete(at('a', 2), pod('a'));
  const all = recorder();
  const some = recorder();
  store.watch(PODS, 0, all);
  store.watch(PODS, 2, some);
  assert.deepEqual(all.seen, [['ADDED a@1', 'MODIFIED a@2', 'DELETED a@4']]);
  assert.deepEqual(some.seen, [['DELETED a@4']]);
  const future = recorder();
  const subscription = store.watch(PODS, 6, future);
  await Promise.all([5, 6, 7].map((n) => store.put(at(`n${n}`, 0), pod(`n${n}`))));
  assert.deepEqual(all.seen[1], ['ADDED n5@5', 'ADDED n6@6', 'ADDED n7@7']);
  assert.deepEqual(future.seen, [['ADDED n7@7']]);
  subscription.close();
  await store.put(at('late', 0), pod('late'));
  assert.equal(future.seen.length, 1);
});

test('an event shows the state before, and a deletion the last state at its own revision', async () => {
  const { store } = await fixture();
  const seen: StoreEvent[] = [];
  store.watch(PODS, 0, { events: (events) => seen.push(...events), closed: () => undefined });
  await store.put(at('a', 0), pod('a', { spec: 1 }));
  await store.put(at('a', 1), pod('a', { spec: 2 }));
  await store.delete(at('a', 2), pod('a', { spec: 3 }));
  assert.deepEqual(
    seen.map(({ previous }) => previous?.revision),
    [undefined, 1, 2],
  );
  const last = JSON.parse(String(seen[2]?.object.bytes)) as KubernetesObject;
  assert.deepEqual([last['spec'], last.metadata.resourceVersion], [3, '3']);
});

test('a sink that throws is closed and disturbs neither others nor the writer', async () => {
  const { store } = await fixture();
  const before = recorder();
  const after = recorder();
  let closings = 0;
  store.watch(PODS, 0, before);
  store.watch(PODS, 0, {
    events: () => {
      throw new Error('broken');
    },
    closed: () => {
      closings += 1;
      throw new Error('broken here, too');
    },
  });
  store.watch(PODS, 0, after);
  await store.put(at('a', 0), pod('a'));
  await store.put(at('b', 0), pod('b'));
  assert.equal(closings, 1);
  assert.deepEqual(before.seen, [['ADDED a@1'], ['ADDED b@2']]);
  assert.deepEqual(after.seen, before.seen);
});

test('history is bounded by count, and older revisions are Expired', async () => {
  const { store } = await fixture({ historyOptions: { maximumEvents: 3 } });
  for (const n of [1, 2, 3, 4, 5]) await store.put(at(`n${n}`, 0), pod(`n${n}`));
  const sink = recorder();
  store.watch(PODS, 2, sink);
  assert.deepEqual(sink.seen, [['ADDED n3@3', 'ADDED n4@4', 'ADDED n5@5']]);
  assert.throws(
    () => store.watch(PODS, 1, sink),
    (error: ApiError) => {
      assert.deepEqual([error.code, error.reason], [410, 'Expired']);
      assert.equal(error.message, 'too old resource version: 1 (2)');
      return true;
    },
  );
  assert.throws(() => store.list(PODS, { exactRevision: 1 }), { reason: 'Expired' });
});

test('history is bounded by age, also while nobody writes', async () => {
  const { store, clock } = await fixture({ historyOptions: { maximumAgeMs: 300_000 } });
  await store.put(at('a', 0), pod('a'));
  await clock.advance(200_000);
  await store.put(at('b', 0), pod('b'));
  await clock.advance(100_001);
  assert.throws(() => store.watch(PODS, 0, recorder()), { reason: 'Expired' });
  const sink = recorder();
  store.watch(PODS, 1, sink);
  assert.deepEqual(sink.seen, [['ADDED b@2']]);
});

test('the disk forgets what is older than the history, a minute at a time', async () => {
  const { store, clock, provider } = await fixture({ historyOptions: { maximumAgeMs: 120_000 } });
  for (const n of [1, 2, 3, 4]) {
    await store.put(at(`n${n}`, 0), pod(`n${n}`));
    await clock.advance(60_000);
  }
  assert.deepEqual(provider.compactions, [1, 2]);
  await store[Symbol.asyncDispose]();
  await clock.advance(600_000);
  assert.deepEqual(provider.compactions, [1, 2]);
});

test('list() orders by namespace, then name, and pages exactly', async () => {
  const { store } = await fixture();
  const places = [
    ['b', 'x'],
    ['a', 'z'],
    ['a-b', 'a'],
    ['a', 'a'],
    ['a', 'a-1'],
    ['a.b', 'q'],
  ] as const;
  for (const [namespace, name] of places) {
    await store.put({ resource: PODS, namespace, name, expectedRevision: 0 }, pod(name));
  }
  const names = (items: readonly { namespace: string; name: string }[]): string[] =>
    items.map(({ namespace, name }) => `${namespace}/${name}`);
  const all = store.list(PODS, {});
  assert.deepEqual(names(all.items), ['a/a', 'a/a-1', 'a/z', 'a-b/a', 'a.b/q', 'b/x']);
  assert.deepEqual(names(store.list(PODS, { namespace: 'a' }).items), ['a/a', 'a/a-1', 'a/z']);
  assert.deepEqual(names(store.list(PODS, { namespace: 'none' }).items), []);
  const first = store.list(PODS, { limit: 4 });
  assert.deepEqual([first.next, first.remaining], [{ namespace: 'a-b', name: 'a' }, 2]);
  const rest = store.list(PODS, {
    limit: 4,
    startAfter: first.next ?? { namespace: '', name: '' },
  });
  assert.deepEqual(names([...first.items, ...rest.items]), names(all.items));
  assert.equal(rest.next, undefined);
  const exact = store.list(PODS, { namespace: 'a', limit: 3 });
  assert.equal(exact.next, undefined);
  const filtered = store.list(PODS, { limit: 1, matches: ({ name }) => name.startsWith('a') });
  assert.deepEqual([names(filtered.items), filtered.remaining], [['a/a'], undefined]);
  assert.deepEqual(filtered.next, { namespace: 'a', name: 'a' });
});

test('list() of a revision to come is a timeout, as upstream has it', async () => {
  const { store } = await fixture();
  assert.throws(() => store.list(PODS, { exactRevision: 9 }), {
    code: 504,
    message: 'Timeout: Too large resource version: 9, current: 0',
  });
});

test('register() indexes objects of before and after, and anew when the fields change', async () => {
  const { store, reopen } = await fixture();
  await store.put(at('a', 0), pod('a', { spec: { nodeName: 'n1', zone: 'z1' } }));
  await store[Symbol.asyncDispose]();
  const again = await reopen();
  const spec = (object: KubernetesObject): Record<string, string> => object['spec'] as never;
  again.register(PODS, { 'spec.nodeName': (object) => spec(object)['nodeName'] ?? '' });
  await again.put(at('b', 0), pod('b', { spec: { nodeName: 'n2' } }));
  const fields = (): unknown => again.list(PODS, {}).items.map((object) => object.fields);
  assert.deepEqual(fields(), [{ 'spec.nodeName': 'n1' }, { 'spec.nodeName': 'n2' }]);
  again.register(PODS, { 'spec.zone': (object) => spec(object)['zone'] ?? '' });
  assert.deepEqual(fields(), [{ 'spec.zone': 'z1' }, { 'spec.zone': '' }]);
  const [loaded] = again.list(PODS, {}).items;
  assert.deepEqual([loaded?.uid, loaded?.labels], ['uid-a', { app: 'a' }]);
});

test('after a restart watches resume, the revision goes on and secrets are opened', async () => {
  const transformer = {
    toStorage: (_kind: string, _key: string, bytes: Buffer) => Buffer.from(bytes).reverse(),
    fromStorage: (_kind: string, _key: string, bytes: Uint8Array) => Buffer.from(bytes).reverse(),
  };
  const { store, reopen, provider } = await fixture({ transformer });
  await store.put(at('a', 0), pod('a'));
  await store.put(at('b', 0), pod('b'));
  await store.delete(at('b', 2), pod('b'));
  await store[Symbol.asyncDispose]();
  assert.ok(!Buffer.from(provider.log[0]?.value ?? []).includes('uid-a'));
  const again = await reopen();
  assert.equal(again.revision, 3);
  const sink = recorder();
  again.watch(PODS, 1, sink);
  assert.deepEqual(sink.seen, [['ADDED b@2', 'DELETED b@3']]);
  assert.ok(again.get(PODS, 'default', 'a')?.bytes.toString().startsWith('{"kind":"Pod"'));
  assert.equal((await again.put(at('c', 0), pod('c'))).revision, 4);
});

test('a store that cannot open what was stored does not open', async () => {
  const { store, provider, clock } = await fixture();
  await store.put(at('a', 0), pod('a'));
  const { instance } = ScriptedProvider;
  const failing = {
    toStorage: (_kind: string, _key: string, bytes: Buffer) => bytes,
    fromStorage: (): Uint8Array => {
      throw new Error('wrong key, see /etc/windlass.key');
    },
  };
  await assert.rejects(
    openStore({ provider, instance, clock, transformer: failing }),
    /windlass\.key/,
  );
  const garbled = { ...failing, fromStorage: () => Buffer.from('garbled') };
  await assert.rejects(openStore({ provider, instance, clock, transformer: garbled }), {
    name: 'CorruptDataError',
    message: /core\/pods default\/a at revision 1/,
  });
});

test('settled() waits for the writes of one key, whatever becomes of them', async () => {
  const { store, provider } = await fixture();
  await store.settled(PODS, 'default', 'a');
  provider.script = () => 'hold';
  const writing = store.put(at('a', 0), pod('a'));
  const held = await provider.nextHeld();
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
  const { store, provider } = await fixture();
  provider.script = () => 'hold';
  const sink = recorder();
  store.watch(PODS, 0, sink);
  const writing = store.put(at('a', 0), pod('a'));
  const disposing = store[Symbol.asyncDispose]();
  await assert.rejects(store.put(at('b', 0), pod('b')), { name: 'StorageUnavailableError' });
  (await provider.nextHeld()).succeed();
  await disposing;
  assert.equal((await writing).revision, 1);
  assert.deepEqual([sink.seen, sink.closings], [[['ADDED a@1']], 1]);
});

test('metrics count objects, batches and failures under upstream names', async () => {
  const metrics = new MetricsRegistry();
  const { store, provider } = await fixture({ metrics });
  await store.put(at('a', 0), pod('a'));
  await store.put({ ...at('d', 0), resource: 'apps/deployments' }, pod('d'));
  provider.script = () => new StorageFullError('x');
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
