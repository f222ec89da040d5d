// --relaxed: what is acknowledged before it is durable, what stays as it was, and what a crash does to revisions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CEILING_KIND } from '#persistence/log.ts';
import { StorageFullError } from '#persistence/errors.ts';
import type { KubernetesObject } from '../api/object.ts';
import { at, fixture, pod, recorder } from './store-fixture.ts';
import type { Revision, Store } from './types.ts';

const LEASES = 'coordination.k8s.io/leases';

function lease(name: string): KubernetesObject {
  const metadata = { name, namespace: 'default', uid: `uid-${name}` };
  return { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata };
}

async function putLease(store: Store, name: string, expectedRevision: Revision): Promise<Revision> {
  const where = { resource: LEASES, namespace: 'default', name, expectedRevision };
  return (await store.put(where, lease(name))).revision;
}

/** With one durable Lease, so that the ceiling is there. */
async function relaxed() {
  const parts = await fixture({ relaxed: [LEASES] });
  const first = await putLease(parts.store, 'a', 0);
  return { ...parts, first };
}

function objects(records: readonly { readonly kind: string; readonly revision: number }[]) {
  return records.filter(({ kind }) => kind !== CEILING_KIND).map(({ revision }) => revision);
}

test('relaxed writes are acknowledged and seen before they are durable, and durable soon', async () => {
  const { store, log, clock, first } = await relaxed();
  const sink = recorder();
  store.watch(LEASES, first, sink);
  log.script = () => 'hold';
  const second = await putLease(store, 'a', first);
  const third = await putLease(store, 'a', second);
  assert.deepEqual(log.held, [], 'no batch yet');
  assert.deepEqual(sink.seen, [[`MODIFIED a@${second}`], [`MODIFIED a@${third}`]]);
  assert.equal(store.revision, third);
  await clock.advance(500);
  const held = await log.nextHeld();
  assert.deepEqual(objects(held.records), [second, third]);
  held.succeed();
});

test('what is not relaxed stays durable first, and takes what lies before it along in order', async () => {
  const { store, log, first } = await relaxed();
  log.script = () => 'hold';
  const second = await putLease(store, 'a', first);
  let isDone = false;
  const writing = store.put(at('p', 0), pod('p')).then((stored) => {
    isDone = true;
    return stored;
  });
  // Behind a write that is not decided nothing is acknowledged: lists would skip a revision.
  let isSeen = false;
  const behind = putLease(store, 'b', 0).then(() => (isSeen = true));
  const held = await log.nextHeld();
  assert.deepEqual([isDone, isSeen, store.revision], [false, false, second]);
  assert.equal(objects(held.records)[0], second);
  log.script = () => 'succeed';
  held.succeed();
  await Promise.all([writing, behind]);
  assert.equal(store.get('core/pods', 'default', 'p')?.revision, second + 1);
});

test('a full disk: what was acknowledged is kept and tried again, nothing more is taken on credit', async () => {
  const { store, log, clock, first } = await relaxed();
  log.script = () => new StorageFullError('here');
  const second = await putLease(store, 'a', first);
  await assert.rejects(store.put(at('p', 0), pod('p')), /no space left/);
  await assert.rejects(putLease(store, 'b', 0), /no space left/);
  assert.equal(store.get(LEASES, 'default', 'a')?.revision, second);
  log.script = () => 'succeed';
  await clock.advance(500);
  await store.drained();
  await putLease(store, 'b', 0);
  await clock.advance(500);
  assert.ok(objects(log.records).includes(second));
  assert.deepEqual(
    log.records.map(({ revision }) => revision),
    log.records.map(({ revision }) => revision).toSorted((x, y) => x - y),
  );
});

test('after a crash no revision that was handed out is handed out again, and whoever saw one lists again', async () => {
  const { store, log, first, reopen } = await relaxed();
  const written = await store.put(at('p', 0), pod('p'));
  let newest = first;
  for (let n = 0; n < 50; n += 1) newest = await putLease(store, 'a', newest);
  const durable = written.revision;
  assert.equal(objects(log.records).at(-1), durable, 'none of them is durable');

  const again = await reopen();
  assert.ok(again.revision > newest);
  assert.equal(again.get(LEASES, 'default', 'a')?.revision, first);
  const next = await again.put(at('q', 0), pod('q'));
  assert.ok(next.revision > newest, `${next.revision} after ${newest}`);
  for (const seen of [durable + 1, newest]) {
    assert.throws(() => again.watch(LEASES, seen, recorder()), { reason: 'Expired' });
  }
  // What everybody could see is resumed, and what is not relaxed has lost nothing.
  again.watch(LEASES, durable, recorder()).close();
  const pods = recorder();
  again.watch('core/pods', newest, pods).close();
  assert.deepEqual(pods.seen, [[`ADDED q@${next.revision}`]]);

  // The next start knows it still, also one without --relaxed.
  const third = await reopen();
  assert.throws(() => third.watch(LEASES, newest, recorder()), { reason: 'Expired' });
});

test('a stop in peace makes everything durable, and the next start goes on without a gap', async () => {
  const { store, log, first, reopen } = await relaxed();
  const second = await putLease(store, 'a', first);
  await store[Symbol.asyncDispose]();
  assert.ok(objects(log.records).includes(second));
  const again = await reopen();
  assert.equal(again.get(LEASES, 'default', 'a')?.revision, second);
  assert.ok(again.revision - second <= 1, `${again.revision} after ${second}`);
  again.watch(LEASES, second, recorder()).close();
});

test('no write waits longer than for the ceiling, however many there are', async () => {
  const { store, log, clock, first } = await relaxed();
  let newest = first;
  for (let round = 0; round < 25; round += 1) {
    for (let n = 0; n < 1_000; n += 1) newest = await putLease(store, 'a', newest);
    await clock.advance(500);
    await store.drained();
  }
  const ceilings = log.records.filter(({ kind }) => kind === CEILING_KIND).length;
  assert.ok(ceilings >= 3 && ceilings <= 5, `${ceilings} ceilings for 25,000 writes`);
});
