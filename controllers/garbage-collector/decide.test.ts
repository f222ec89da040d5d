import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../machinery/client-types.ts';
import { THINGS } from '../machinery/machinery-fixture.ts';
import { decide } from './decide.ts';
import type { Decision, OwnerState } from './decide.ts';
import { FOREGROUND_FINALIZER, graphNode, ORPHAN_FINALIZER, OwnerGraph } from './graph.ts';
import type { GraphNode } from './graph.ts';

type Metadata = ApiObject['metadata'];

function owner(
  uid: string,
  blockOwnerDeletion = false,
): NonNullable<Metadata['ownerReferences']>[0] {
  return { apiVersion: 'test.dev/v1', kind: 'Thing', name: uid, uid, blockOwnerDeletion };
}

function object(uid: string, change: Partial<Metadata> = {}): ApiObject {
  return {
    metadata: {
      name: uid,
      namespace: 'ns',
      uid,
      resourceVersion: '1',
      creationTimestamp: '',
      ...change,
    },
  };
}

function node(uid: string, change: Partial<Metadata> = {}): GraphNode {
  return graphNode(THINGS, object(uid, change));
}

const GOING = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const cases: readonly {
  readonly name: string;
  readonly object: Partial<Metadata>;
  readonly owners?: Readonly<Record<string, OwnerState>>;
  readonly dependents?: readonly GraphNode[];
  readonly expected: Decision;
}[] = [
  { name: 'keeps what has no owner', object: {}, expected: { action: 'keep' } },
  {
    name: 'keeps what has an owner',
    object: { ownerReferences: [owner('a')] },
    owners: { a: 'present' },
    expected: { action: 'keep' },
  },
  {
    name: 'deletes what lost its owner',
    object: { ownerReferences: [owner('a')] },
    owners: { a: 'absent' },
    expected: { action: 'delete', policy: 'Background' },
  },
  {
    name: 'drops references to owners that are gone when one is left',
    object: { ownerReferences: [owner('a'), owner('b'), owner('c')] },
    owners: { a: 'absent', b: 'present', c: 'waiting' },
    expected: { action: 'dropOwners', remaining: [owner('b')] },
  },
  {
    name: 'deletes dependents of a waiting owner in the foreground when they have dependents themselves',
    object: { ownerReferences: [owner('a', true)] },
    owners: { a: 'waiting' },
    dependents: [node('d', { ownerReferences: [owner('self', true)] })],
    expected: { action: 'delete', policy: 'Foreground' },
  },
  {
    name: 'deletes dependents of a waiting owner in the background when they have none',
    object: { ownerReferences: [owner('a', true)] },
    owners: { a: 'waiting' },
    expected: { action: 'delete', policy: 'Background' },
  },
  {
    name: 'cuts a circle of owners',
    object: { ownerReferences: [owner('a', true)] },
    owners: { a: 'waiting' },
    dependents: [
      node('a', {
        ...GOING,
        finalizers: [FOREGROUND_FINALIZER],
        ownerReferences: [owner('self', true)],
      }),
    ],
    expected: { action: 'delete', policy: 'Background' },
  },
  {
    name: 'respects the wish of what it deletes to orphan its dependents',
    object: { ownerReferences: [owner('a')], finalizers: [ORPHAN_FINALIZER] },
    owners: { a: 'absent' },
    expected: { action: 'delete', policy: 'Orphan' },
  },
  {
    name: 'orphans before it lets go',
    object: { ...GOING, finalizers: [ORPHAN_FINALIZER] },
    expected: { action: 'orphanDependents' },
  },
  {
    name: 'deletes dependents first in the foreground',
    object: { ...GOING, finalizers: [FOREGROUND_FINALIZER] },
    dependents: [
      node('d', { ownerReferences: [owner('self', true)] }),
      node('e', { ownerReferences: [owner('self')] }),
      node('f', { ...GOING, ownerReferences: [owner('self', true)] }),
    ],
    expected: { action: 'deleteDependents', uids: ['d', 'e'] },
  },
  {
    name: 'waits for blocking dependents that are going',
    object: { ...GOING, finalizers: [FOREGROUND_FINALIZER] },
    dependents: [node('f', { ...GOING, ownerReferences: [owner('self', true)] })],
    expected: { action: 'keep' },
  },
  {
    name: 'does not wait for dependents that do not block',
    object: { ...GOING, finalizers: [FOREGROUND_FINALIZER] },
    dependents: [node('e', { ownerReferences: [owner('self')] })],
    expected: { action: 'dropFinalizer', finalizer: FOREGROUND_FINALIZER },
  },
  {
    name: 'leaves to others what they hold with their finalizers',
    object: { ...GOING, finalizers: ['example.org/mine'], ownerReferences: [owner('a')] },
    owners: { a: 'absent' },
    expected: { action: 'keep' },
  },
];

for (const { name, object: change, owners = {}, dependents = [], expected } of cases) {
  test(`decide() ${name}`, () => {
    const states = new Map(Object.entries(owners));
    assert.deepEqual(decide(object('self', change), states, dependents), expected);
  });
}

test('OwnerGraph asks for a look at whatever a change may concern', () => {
  const graph = new OwnerGraph();
  assert.deepEqual(graph.observe(node('child', { ownerReferences: [owner('parent', true)] })), [
    'child',
  ]);
  // The owner turned up: nothing to do.
  assert.deepEqual(graph.observe(node('parent')), []);
  assert.deepEqual(
    graph.dependentsOf('parent').map(({ uid }) => uid),
    ['child'],
  );
  const waiting = node('parent', { ...GOING, finalizers: [FOREGROUND_FINALIZER] });
  assert.deepEqual(graph.observe(waiting), ['parent', 'child']);
  // One less to wait for.
  assert.deepEqual(graph.forget('child'), ['parent']);
  assert.deepEqual(graph.forget('parent'), []);
  assert.deepEqual(graph.forget('never there'), []);
});

test('OwnerGraph asks for a look at what names an owner in another namespace', () => {
  const graph = new OwnerGraph();
  graph.observe(node('far', { namespace: 'elsewhere' }));
  assert.deepEqual(graph.observe(node('child', { ownerReferences: [owner('far')] })), ['child']);
});

test('OwnerGraph asks for a look at dependents of what is gone, and at former owners', () => {
  const graph = new OwnerGraph();
  graph.observe(node('a'));
  graph.observe(node('b'));
  graph.observe(node('child', { ownerReferences: [owner('a'), owner('b')] }));
  assert.deepEqual(graph.observe(node('child', { ownerReferences: [owner('b')] })), [
    'child',
    'a',
    'b',
  ]);
  assert.deepEqual(graph.dependentsOf('a'), []);
  assert.deepEqual(graph.forget('b'), ['child']);
});
