import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildClusterStatus,
  getClusterStatusFromLister,
  requireClusterStatus,
} from './cluster-status.ts';
import { ClusterNotFound, InfrastructureError, ProviderUnavailable } from './errors.ts';
import { never, nodeInfo } from './infrastructure-fixture.ts';
import { MockProvider } from './mock-provider.ts';
import { checkNodesExist, ensureAvailableAndListNodes } from './node-lists.ts';

const up = nodeInfo('a', 'running');
const down = nodeInfo('b', 'exited');

test('all nodes in the ready word: that word, and ready [ksail-005]', () => {
  const status = buildClusterStatus([up, up], 'running');
  assert.deepEqual(status, {
    phase: 'running',
    isReady: true,
    nodesTotal: 2,
    nodesReady: 2,
    nodes: [up, up],
  });
});

test('no node in the ready word: stopped [ksail-006]', () => {
  const status = buildClusterStatus([down, down], 'running');
  assert.deepEqual([status?.phase, status?.isReady, status?.nodesReady], ['stopped', false, 0]);
});

test('some nodes in the ready word: degraded [ksail-007]', () => {
  const status = buildClusterStatus([up, down], 'running');
  assert.deepEqual(
    [status?.phase, status?.isReady, status?.nodesReady, status?.nodesTotal],
    ['degraded', false, 1, 2],
  );
});

test('the ready word is the provider’s own [ksail-008]', () => {
  const nodes = [nodeInfo('a', 'ACTIVE'), nodeInfo('b', 'ACTIVE')];
  assert.equal(buildClusterStatus(nodes, 'ACTIVE')?.phase, 'ACTIVE');
  assert.equal(buildClusterStatus(nodes, 'running')?.phase, 'stopped');
});

test('states are aggregated: unknown, none, some [ksail-073] [ksail-075]', async () => {
  const lister = new MockProvider().answer('listNodes', []);
  assert.equal(await getClusterStatusFromLister(lister, 'gone', 'ACTIVE', never), null);
  const mixed = buildClusterStatus([nodeInfo('a', 'ACTIVE'), nodeInfo('b', 'CREATING')], 'ACTIVE');
  assert.deepEqual([mixed?.phase, mixed?.nodesReady, mixed?.nodesTotal], ['degraded', 1, 2]);
  const none = buildClusterStatus([nodeInfo('a', 'CREATING')], 'ACTIVE');
  assert.deepEqual([none?.phase, none?.nodesReady], ['stopped', 0]);
});

test('an unknown cluster is null, and ClusterNotFound where one must be there [ksail-009] [ksail-075]', async () => {
  const lister = new MockProvider().answer('listNodes', []);
  assert.equal(await getClusterStatusFromLister(lister, 'nowhere', 'running', never), null);
  const provider = new MockProvider().answer('getClusterStatus', null);
  await assert.rejects(requireClusterStatus(provider, 'nowhere', never), (error: unknown) => {
    assert.ok(error instanceof ClusterNotFound);
    assert.equal(error.reason, 'ClusterNotFound');
    assert.match(error.message, /"nowhere"/);
    return true;
  });
  provider.answer('getClusterStatus', buildClusterStatus([up], 'running'));
  await provider.getClusterStatus('dev', never);
  assert.equal((await requireClusterStatus(provider, 'dev', never)).phase, 'running');
});

test('a list that fails says during what, with its cause [ksail-010]', async () => {
  const cause = new ProviderUnavailable('mock', 'down');
  const lister = new MockProvider().answer('listNodes', cause);
  await assert.rejects(
    getClusterStatusFromLister(lister, 'dev', 'running', never),
    (error: unknown) => {
      assert.ok(error instanceof InfrastructureError);
      assert.match(error.message, /^get cluster status: /);
      assert.equal(error.cause, cause);
      assert.equal(error.reason, 'ProviderUnavailable');
      return true;
    },
  );
});

test('a provider that is not set up is not asked for its nodes [ksail-001]', async () => {
  const provider = new MockProvider().answer('isAvailable', false).answer('listNodes', [up]);
  await assert.rejects(ensureAvailableAndListNodes(provider, 'dev', never), ProviderUnavailable);
  assert.deepEqual(provider.callsOf('listNodes'), []);
});

test('a list that fails is told as such [ksail-002]', async () => {
  const cause = new Error('socket closed');
  const provider = new MockProvider().answer('listNodes', cause);
  await assert.rejects(ensureAvailableAndListNodes(provider, 'dev', never), {
    message: 'failed to list nodes: socket closed',
    cause,
  });
});

test('nodes pass through, none too [ksail-003]', async () => {
  const provider = new MockProvider().answer('listNodes', [up, down]).answer('listNodes', []);
  assert.deepEqual(await ensureAvailableAndListNodes(provider, 'dev', never), [up, down]);
  assert.deepEqual(await ensureAvailableAndListNodes(provider, 'dev', never), []);
});

test('a cluster exists with its first node', async () => {
  const provider = new MockProvider().answer('listNodes', [up]).answer('listNodes', []);
  assert.equal(await checkNodesExist(provider, 'dev', never), true);
  assert.equal(await checkNodesExist(provider, 'dev', never), false);
  const failing = { listNodes: () => Promise.reject(new Error('no route')) };
  await assert.rejects(checkNodesExist(failing, 'dev', never), (error: Error) => {
    assert.ok(error instanceof InfrastructureError);
    assert.equal(error.message, 'check nodes exist: no route');
    assert.equal((error.cause as Error).message, 'no route');
    return true;
  });
});

test('the mock writes calls down, answers in order, and says what nobody set', async () => {
  const provider = new MockProvider().answer('startNodes', [
    { kind: 'node', name: 'a', outcome: 'done' },
  ]);
  await provider.startNodes('dev', never, { nodes: ['a'] });
  assert.deepEqual(provider.calls, [{ method: 'startNodes', args: ['dev', { nodes: ['a'] }] }]);
  await assert.rejects(provider.stopNodes('dev', never), /nothing was set for stopNodes/);
  provider.answer('nodesExist', (cluster) => cluster === 'dev');
  assert.equal(await provider.nodesExist('dev', never), true);
  assert.equal(await provider.nodesExist('other', never), false);
});
