import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiError } from '../api/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import { at, fixture, pod, PODS, recorder } from './store-fixture.ts';
import { openStore } from './store.ts';
import type { StoreEvent } from './types.ts';

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
  const { store, clock, log } = await fixture({ historyOptions: { maximumAgeMs: 120_000 } });
  for (const n of [1, 2, 3, 4]) {
    await store.put(at(`n${n}`, 0), pod(`n${n}`));
    await clock.advance(60_000);
  }
  assert.deepEqual(log.compactions, [1, 2]);
  await store[Symbol.asyncDispose]();
  await clock.advance(600_000);
  assert.deepEqual(log.compactions, [1, 2]);
});

test('pages of a list end some minutes after it began, also where nobody changed anything in it', async () => {
  const { store, clock } = await fixture({ historyOptions: { maximumAgeMs: 120_000 } });
  await store.put(at('a', 0), pod('a'));
  await store.put(at('b', 0), pod('b'));
  const { revision } = store.list(PODS, { limit: 1 });
  const minutes = async (count: number): Promise<void> => {
    for (let minute = 0; minute < count; minute += 1) await clock.advance(60_000);
  };
  await minutes(10);
  // Nothing was written since: that is still the present.
  assert.equal(store.list(PODS, { exactRevision: revision }).items.length, 2);
  await store.put({ ...at('c', 0), resource: 'configmaps' }, pod('c'));
  assert.equal(store.list(PODS, { exactRevision: revision }).items.length, 2);
  await minutes(4);
  assert.throws(() => store.list(PODS, { exactRevision: revision }), { reason: 'Expired' });
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
    toStorage: (_kind: string, _key: string, bytes: Buffer) => Buffer.from(bytes.toReversed()),
    fromStorage: (_kind: string, _key: string, bytes: Uint8Array) =>
      Buffer.from(bytes.toReversed()),
  };
  const { store, reopen, log } = await fixture({ transformer });
  await store.put(at('a', 0), pod('a'));
  await store.put(at('b', 0), pod('b'));
  await store.delete(at('b', 2), pod('b'));
  await store[Symbol.asyncDispose]();
  assert.ok(!Buffer.from(log.records[0]?.value ?? []).includes('uid-a'));
  const again = await reopen();
  assert.equal(again.revision, 3);
  const sink = recorder();
  again.watch(PODS, 1, sink);
  assert.deepEqual(sink.seen, [['ADDED b@2', 'DELETED b@3']]);
  assert.ok(again.get(PODS, 'default', 'a')?.bytes.toString().startsWith('{"kind":"Pod"'));
  assert.equal((await again.put(at('c', 0), pod('c'))).revision, 4);
});

test('a store that cannot open what was stored does not open', async () => {
  const { store, log, clock } = await fixture();
  await store.put(at('a', 0), pod('a'));
  const failing = {
    toStorage: (_kind: string, _key: string, bytes: Buffer) => bytes,
    fromStorage: (): Uint8Array => {
      throw new Error('wrong key, see /etc/windlass.key');
    },
  };
  await assert.rejects(openStore({ log, clock, transformer: failing }), /windlass\.key/);
  const garbled = { ...failing, fromStorage: () => Buffer.from('garbled') };
  await assert.rejects(openStore({ log, clock, transformer: garbled }), {
    name: 'CorruptDataError',
    message: /core\/pods default\/a at revision 1/,
  });
});
