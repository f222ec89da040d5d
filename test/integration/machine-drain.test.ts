// How the nodes of a cluster are emptied before they are changed, against the real control plane: evictions, budgets, deadlines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cordonNode, drainNode, findNode, uncordonNode } from '#controllers/cluster/drain-node.ts';
import type { NodeContext } from '#controllers/cluster/drain-node.ts';
import { DrainError } from '#controllers/cluster/member-driver.ts';
import type { DrainSettings } from '#controllers/cluster/settings.ts';
import { POD_DISRUPTION_BUDGETS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { ServiceBench } from '../support/service-bench.ts';

const SETTINGS: DrainSettings = {
  enabled: true,
  timeout: '60s',
  gracePeriod: '1s',
  onTimeout: 'Fail',
};

async function benchOf(
  t: TestContext,
): Promise<{ readonly bench: ServiceBench; readonly node: NodeContext }> {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2'] });
  await bench.plane.controllers(['service', 'scheduler', 'disruption']);
  await bench.create('a', { replicas: 4 });
  await bench.settled('a', 4);
  const { client } = bench.plane;
  return { bench, node: { client, clock: systemClock, name: 'n1', machine: 'm1' } };
}

/** No Pod of the service may go. */
async function forbid({ plane }: ServiceBench): Promise<void> {
  const budget = {
    metadata: { name: 'web' },
    spec: { minAvailable: '100%', selector: { matchLabels: { 'windlass.dev/service': 'web' } } },
  };
  await plane.client.create(POD_DISRUPTION_BUDGETS, 'default', budget, plane.signal);
}

const onFirst = ({ nodes }: ServiceBench): number =>
  nodes.alive.filter(({ spec }) => spec.nodeName === 'n1').length;

test('a node is emptied within budgets, and only who cordoned it takes that back', async (t) => {
  const { bench, node } = await benchOf(t);
  const { signal } = bench.plane;
  await cordonNode(node, signal);
  await drainNode(node, SETTINGS, signal);
  assert.equal(onFirst(bench), 0);
  await uncordonNode({ ...node, machine: 'another' }, signal);
  assert.equal((await findNode(node, signal))?.spec?.unschedulable, true);
  await uncordonNode(node, signal);
  assert.notEqual((await findNode(node, signal))?.spec?.unschedulable, true);
  assert.equal(await findNode({ ...node, name: 'n9' }, signal), undefined);
  await drainNode({ ...node, name: 'n9' }, SETTINGS, signal);
});

test('a budget that allows nothing ends a drain after its timeout; Force deletes what is left [ksail-086]', async (t) => {
  const { bench, node } = await benchOf(t);
  const { signal } = bench.plane;
  await forbid(bench);
  await cordonNode(node, signal);
  const before = onFirst(bench);
  assert.ok(before > 0);
  const short = { ...SETTINGS, timeout: '1s' };
  await assert.rejects(drainNode(node, short, signal), (error) => {
    assert.ok(error instanceof DrainError);
    assert.match(error.message, /^node n1 is not empty after 1s: default\/web-/);
    return true;
  });
  assert.equal(onFirst(bench), before);
  await drainNode(node, { ...SETTINGS, timeout: '1s', onTimeout: 'Force' }, signal).catch(
    (error: unknown) => {
      // On a slow machine they are going, and not gone yet.
      assert.match(String(error), /is stopping/);
    },
  );
  await drainNode(node, { ...SETTINGS, onTimeout: 'Force' }, signal);
  assert.equal(onFirst(bench), 0);
});

test('a drain that is switched off leaves everything where it is [k0sctl-050]', async (t) => {
  const { bench, node } = await benchOf(t);
  const before = onFirst(bench);
  await drainNode(node, { ...SETTINGS, enabled: false }, bench.plane.signal);
  assert.equal(onFirst(bench), before);
});
