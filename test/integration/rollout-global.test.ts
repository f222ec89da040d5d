// Global services against the real control plane: one instance per node, as nodes are added, cordoned, lost and removed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODES } from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { QUICK, ServiceBench, templateOf } from '../support/service-bench.ts';

const GLOBAL = { mode: 'Global', replicas: 1, updateStrategy: QUICK };

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function nodesOf(bench: ServiceBench): readonly string[] {
  return bench.nodes.serving.map(({ spec }) => spec.nodeName ?? '').toSorted(byText);
}

test('a global service follows nodes that join and leave', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  await bench.plane.controllers();
  await bench.create('v1', GLOBAL);
  await bench.settled('v1', 2);
  assert.deepEqual(nodesOf(bench), ['n1', 'n2']);
  await bench.nodes.add('n3');
  await bench.settled('v1', 3);
  assert.deepEqual(nodesOf(bench), ['n1', 'n2', 'n3']);
  await client.delete(NODES, '', 'n2', {}, signal);
  await eventually('n2 has none', () => assert.deepEqual(nodesOf(bench), ['n1', 'n3']));
  await bench.settled('v1', 2);
});

test('a cordoned node keeps its instance of a global service, and gets none that it has not', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  await bench.plane.controllers();
  const cordon = { spec: { unschedulable: true } };
  await client.patch(NODES, '', 'n2', '', 'merge', cordon, signal);
  await bench.create('v1', GLOBAL);
  await bench.settled('v1', 1);
  await client.patch(NODES, '', 'n2', '', 'merge', { spec: { unschedulable: null } }, signal);
  await bench.settled('v1', 2);
  await client.patch(NODES, '', 'n2', '', 'merge', cordon, signal);
  await bench.nodes.add('n3');
  await bench.settled('v1', 3);
  assert.deepEqual(nodesOf(bench), ['n1', 'n2', 'n3']);
});

test('a global service leaves a node that its selector no longer matches', async (t) => {
  const bench = await ServiceBench.start(t, { nodes: [] });
  const { client, signal } = bench.plane;
  await bench.nodes.add('n1', { disk: 'fast' });
  await bench.nodes.add('n2', { disk: 'fast' });
  await bench.plane.controllers();
  await bench.create('v1', {
    ...GLOBAL,
    template: templateOf('v1', { nodeSelector: { disk: 'fast' } }),
  });
  await bench.settled('v1', 2);
  const slow = { metadata: { labels: { disk: 'slow' } } };
  await client.patch(NODES, '', 'n1', '', 'merge', slow, signal);
  await bench.settled('v1', 1);
  assert.deepEqual(nodesOf(bench), ['n2']);
});

test('instances of a global service wait for a node that is away', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  await bench.plane.controllers();
  await bench.create('v1', GLOBAL);
  await bench.settled('v1', 2);
  const say = (status: string): Promise<unknown> => {
    const conditions = [{ type: 'Ready', status, reason: 'Simulated', message: '' }];
    return client.patch(NODES, '', 'n2', 'status', 'merge', { status: { conditions } }, signal);
  };
  await say('Unknown');
  const { message } = await bench.conditionSoon('Degraded', 'True');
  assert.match(message, /its node n2 is not ready/);
  await say('True');
  await bench.settled('v1', 2);
  assert.equal(bench.nodes.created.length, 2);
  const tolerated = bench.nodes.pods[0]?.spec.tolerations?.map(({ key }) => key) ?? [];
  assert.ok(tolerated.includes('node.kubernetes.io/unreachable'));
});
