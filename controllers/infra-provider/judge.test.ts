import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CredentialsRefused,
  InvalidRequest,
  ProviderUnavailable,
} from '../infrastructure/errors.ts';
import type { NodeInfo } from '../infrastructure/provider.ts';
import { isPassing, judge } from './judge.ts';
import type { Answer } from './judge.ts';

const NOW = '2026-01-01T00:00:00Z';
const node = (name: string, change: Partial<NodeInfo> = {}): NodeInfo => ({
  name,
  clusterName: 'dev',
  clusterUID: 'uid-dev',
  role: 'worker',
  state: 'running',
  isOwned: true,
  ...change,
});
const answer = (nodes: readonly NodeInfo[]): Answer => ({
  nodes,
  readyState: 'running',
  capabilities: ['power'],
});

test('clusters are counted by name and UID, and owned where this API has them', () => {
  const status = judge(
    answer([
      node('a'),
      node('b', { state: 'exited' }),
      node('c', { clusterUID: 'uid-other' }),
      { name: 'd', clusterName: 'kind', role: 'worker', state: 'running', isOwned: false },
    ]),
    new Set(['uid-dev']),
    {},
    3,
    NOW,
  );
  assert.deepEqual(status.clusters, [
    { name: 'dev', uid: 'uid-dev', owned: true, phase: 'degraded', nodesTotal: 2, nodesReady: 1 },
    { name: 'dev', uid: 'uid-other', owned: false, phase: 'running', nodesTotal: 1, nodesReady: 1 },
    { name: 'kind', owned: false, phase: 'running', nodesTotal: 1, nodesReady: 1 },
  ]);
  assert.deepEqual(status.orphans, [{ name: 'c', cluster: 'dev', clusterUID: 'uid-other' }]);
  assert.equal(status.observedGeneration, 3);
});

test('the same answer later is the same status: a settled provider is not written', () => {
  const first = judge(answer([node('a')]), new Set(), {}, 1, NOW);
  assert.deepEqual(judge(answer([node('a')]), new Set(), first, 1, '2026-01-02T00:00:00Z'), first);
  const failed = judge(
    { error: new ProviderUnavailable('docker', 'down') },
    new Set(),
    first,
    1,
    NOW,
  );
  const later = judge(
    { error: new ProviderUnavailable('docker', 'down') },
    new Set(),
    failed,
    1,
    'later',
  );
  assert.deepEqual(later, failed);
});

test('what was seen stays when the other side is away; the conditions say which of both it is', () => {
  const seen = judge(answer([node('a')]), new Set(), {}, 1, NOW);
  const conditions = (error: unknown): readonly string[] =>
    (judge({ error }, new Set(), seen, 1, NOW).conditions ?? []).map(
      ({ type, status, reason }) => `${type} ${status} ${reason}`,
    );
  assert.deepEqual(conditions(new ProviderUnavailable('docker', 'down')), [
    'Available False ProviderUnavailable',
    'CredentialsValid Unknown ProviderUnavailable',
    'Ready False ProviderUnavailable',
  ]);
  assert.deepEqual(conditions(new CredentialsRefused('hetzner', 'no')), [
    'Available Unknown CredentialsRefused',
    'CredentialsValid False CredentialsRefused',
    'Ready False CredentialsRefused',
  ]);
  const status = judge({ error: new Error('x') }, new Set(), seen, 1, NOW);
  assert.equal(status.clusters, seen.clusters);
  assert.equal(isPassing(new InvalidRequest('settings.x')), false);
  assert.equal(isPassing(new Error('x')), true);
});
