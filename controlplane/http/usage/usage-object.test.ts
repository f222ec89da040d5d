import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUsage } from './node-usage.ts';
import { nodeMetrics, podMetrics, usageSum } from './usage-object.ts';

const node = {
  timestamp: 1_700_000_000_500,
  windowMs: 1_004,
  cpuNanocores: 1.5e8,
  memoryBytes: 5_000_000,
};
const time = '2023-11-14T22:13:20Z';

test('what a node says becomes quantities, a time and a window', () => {
  const metadata = { name: 'n', uid: 'u', labels: { a: 'b' } };
  assert.deepEqual(nodeMetrics({ kind: 'Node', apiVersion: 'v1', metadata }, node), {
    kind: 'NodeMetrics',
    apiVersion: 'metrics.k8s.io/v1beta1',
    metadata: { name: 'n', creationTimestamp: time, labels: { a: 'b' } },
    timestamp: time,
    window: '1.004s',
    usage: { cpu: '150000000n', memory: '4882Ki' },
  });
});

test('a Pod has what its own containers use, and none of them is no PodMetrics', () => {
  const pod = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'p', namespace: 'default', uid: 'mine' },
  };
  const one = (podUID: string, container: string): Parameters<typeof podMetrics>[1][0] => ({
    ...node,
    podUID,
    container,
  });
  const found = podMetrics(pod, [one('mine', 'a'), one('other', 'a'), one('mine', 'b')]);
  const usage = { cpu: '150000000n', memory: '4882Ki' };
  assert.deepEqual(found?.['containers'], [
    { name: 'a', usage },
    { name: 'b', usage },
  ]);
  assert.deepEqual(usageSum([usage, usage]), { cpuNanocores: 3e8, memoryBytes: 9764 * 1024 });
  assert.equal(podMetrics(pod, [one('other', 'a')]), undefined);
});

test('a node that answers something else is not believed', () => {
  for (const text of [
    '',
    '[]',
    'null',
    '{}',
    '{"node":{}}',
    JSON.stringify({ node, containers: 1 }),
  ])
    assert.throws(() => parseUsage(text), /the node answered with/, text);
  for (const wrong of [{ timestamp: 1e300 }, { windowMs: -1 }, { cpuNanocores: 'x' }]) {
    const text = JSON.stringify({ node: { ...node, ...wrong }, containers: [] });
    assert.throws(() => parseUsage(text), /something else than its usage/, text);
  }
  const containers = [{ ...node, podUID: 'u', container: 'c' }, { ...node, podUID: 1 }, null];
  assert.equal(parseUsage(JSON.stringify({ node, containers })).containers.length, 1);
});
