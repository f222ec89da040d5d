// How the nodes of a cluster are emptied before they are changed, against the real control plane: evictions, budgets, deadlines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cordonNode, findNode, uncordonNode } from '#controllers/machinery/cordon.ts';
import { DrainError, drainNode, drainStep } from '#controllers/machinery/drain-node.ts';
import type { DrainedNode } from '#controllers/machinery/drain-node.ts';
import type { DrainSettings } from '#controllers/machinery/drain-settings.ts';
import { EvictionMemory } from '#controllers/machinery/empty-node.ts';
import { POD_DISRUPTION_BUDGETS, PODS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceBench, templateOf } from '../support/service-bench.ts';

const SETTINGS: DrainSettings = {
  enabled: true,
  timeout: '60s',
  gracePeriod: '1s',
  onTimeout: 'Fail',
};

async function benchOf(
  t: TestContext,
): Promise<{ readonly bench: ServiceBench; readonly node: DrainedNode }> {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2'] });
  await bench.plane.controllers(['service', 'scheduler', 'disruption']);
  await bench.create('a', { replicas: 4 });
  await bench.settled('a', 4);
  const { client } = bench.plane;
  return { bench, node: { client, clock: systemClock, name: 'n1' } };
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
  const { client, signal } = bench.plane;
  assert.equal(await cordonNode(client, 'n1', 'machine/m1', signal), true);
  await drainNode(node, SETTINGS, signal);
  assert.equal(onFirst(bench), 0);
  assert.equal(await uncordonNode(client, 'n1', 'machine/another', signal), false);
  assert.equal((await findNode(client, 'n1', signal))?.spec?.unschedulable, true);
  assert.equal(await uncordonNode(client, 'n1', 'machine/m1', signal), true);
  const worker = await findNode(client, 'n1', signal);
  assert.notEqual(worker?.spec?.unschedulable, true);
  assert.equal(worker?.metadata.annotations?.['windlass.dev/cordoned-by'], undefined);
  assert.equal(await findNode(client, 'n9', signal), undefined);
  assert.equal(await cordonNode(client, 'n9', 'machine/m1', signal), false);
  await drainNode({ ...node, name: 'n9' }, SETTINGS, signal);
});

test('what a person cordons no machine uncordons; what a machine cordons a person may', async (t) => {
  const { bench } = await benchOf(t);
  const { client, signal } = bench.plane;
  await cordonNode(client, 'n1', undefined, signal);
  assert.equal(await cordonNode(client, 'n1', 'machine/m1', signal), false);
  assert.equal(await uncordonNode(client, 'n1', 'machine/m1', signal), false);
  assert.equal(await uncordonNode(client, 'n1', undefined, signal), true);
  await cordonNode(client, 'n1', 'machine/m1', signal);
  assert.equal(await uncordonNode(client, 'n1', undefined, signal), true);
  // Nothing of the machine's is left that would undo what a person does next.
  await cordonNode(client, 'n1', undefined, signal);
  assert.equal(await uncordonNode(client, 'n1', 'machine/m1', signal), false);
});

test('an instance of a Global service that comes back at once holds no drain up', async (t) => {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2'] });
  await bench.plane.controllers(['service', 'scheduler', 'disruption']);
  const { client, signal } = bench.plane;
  const tolerations = [{ operator: 'Exists' }];
  const template = templateOf('a', { tolerations });
  await bench.create('a', { mode: 'Global', template });
  await bench.settled('a', 2);
  await client.create(
    PODS,
    'default',
    {
      metadata: { name: 'bare' },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'a' }] },
    },
    signal,
  );
  await cordonNode(client, 'n1', 'machine/n1', signal);
  const node = { client, clock: systemClock, name: 'n1' };
  // As a Machine does it.
  const memory = new EvictionMemory();
  await eventually('only what is pinned is left', async () => {
    assert.equal(await drainStep(node, SETTINGS, { sinceMs: 0, memory }, signal), undefined);
  });
  assert.equal(onFirst(bench), 1);
  // As a Cluster does it.
  await drainNode(node, SETTINGS, signal);
  assert.equal(onFirst(bench), 1);
  assert.equal(bench.nodes.created.length, 3, 'nothing was made anew');
});

test('a budget that allows nothing ends a drain after its timeout; Force deletes what is left [ksail-086]', async (t) => {
  const { bench, node } = await benchOf(t);
  const { client, signal } = bench.plane;
  await forbid(bench);
  await cordonNode(client, 'n1', 'machine/m1', signal);
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
