// `windlass node cordon`, `drain` and `remove` against the real control plane with nodes that are simulated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Command, CommandIO } from '#cli/command.ts';
import { nodeCordon, nodeUncordon } from '#cli/commands/node-cordon.ts';
import { nodeDrain } from '#cli/commands/node-drain.ts';
import { nodeRemove } from '#cli/commands/node-remove.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import {
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  POD_DISRUPTION_BUDGETS,
  PODS,
} from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceBench } from '../support/service-bench.ts';
import type { BenchOptions } from '../support/service-bench.ts';

class Cluster {
  readonly bench: ServiceBench;
  /** What commands printed. */
  output = '';

  private constructor(bench: ServiceBench) {
    this.bench = bench;
  }

  static async start(t: TestContext, options: BenchOptions = {}): Promise<Cluster> {
    const bench = await ServiceBench.start(t, options);
    await bench.plane.controllers(['service', 'scheduler', 'disruption']);
    return new Cluster(bench);
  }

  run(command: Command, ...args: readonly string[]): Promise<number> {
    this.output = '';
    const io: CommandIO = {
      environment: {},
      out: (text) => void (this.output += text),
      err: (text) => void (this.output += text),
      columns: undefined,
      errIsTerminal: false,
      ask: undefined,
      readInput: () => Promise.resolve(''),
      stopSignal: () => this.bench.plane.signal,
    };
    return command.main([...args, '--kubeconfig', this.bench.plane.kubeconfig], io);
  }

  /** Node → number of Pods that stay there. */
  spread(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { spec } of this.bench.nodes.alive) {
      const node = spec.nodeName ?? '';
      counts[node] = (counts[node] ?? 0) + 1;
    }
    return counts;
  }

  async claimOn(node: string): Promise<void> {
    const { client, signal } = this.bench.plane;
    const annotations = { 'volume.kubernetes.io/selected-node': node };
    const body = {
      metadata: { name: 'data', annotations },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await client.create(PERSISTENT_VOLUME_CLAIMS, 'default', body, signal);
  }

  async list(resource: typeof NODES): Promise<readonly string[]> {
    const { items } = await this.bench.plane.client.list<ApiObject>(
      resource,
      {},
      this.bench.plane.signal,
    );
    return items.map(({ metadata }) => metadata.name);
  }
}

test('a drain moves a service within its budget, and says so; uncordon takes it back', async (t) => {
  const cluster = await Cluster.start(t, { nodes: ['n1', 'n2'] });
  const { bench } = cluster;
  const { client, signal } = bench.plane;
  await bench.create('a', { replicas: 4 });
  await bench.settled('a', 4);
  const budget = {
    metadata: { name: 'web' },
    spec: { minAvailable: 3, selector: { matchLabels: { 'windlass.dev/service': 'web' } } },
  };
  await client.create(POD_DISRUPTION_BUDGETS, 'default', budget, signal);

  assert.equal(await cluster.run(nodeDrain, 'n1', '--dry-run'), 0);
  assert.match(cluster.output, /moves: 2 of the 3 other instances of web are on other nodes/);
  assert.equal(cluster.spread()['n1'], 2);

  bench.nodes.watchServing();
  assert.equal(await cluster.run(nodeDrain, 'n1'), 0);
  assert.match(cluster.output, /^node\/n1 cordoned\n/);
  assert.match(cluster.output, /\nnode\/n1 drained\n$/);
  assert.equal(cluster.spread()['n1'], undefined);
  assert.ok(bench.nodes.fewestServing >= 3, `only ${bench.nodes.fewestServing} served`);
  await bench.settled('a', 4);

  assert.equal(await cluster.run(nodeDrain, 'n1'), 0);
  assert.match(cluster.output, /^node\/n1 already cordoned\nn1 runs nothing\n/);
  assert.equal(await cluster.run(nodeUncordon, 'n1'), 0);
  assert.equal(cluster.output, 'node/n1 uncordoned\n');
  assert.equal(await cluster.run(nodeCordon, 'n1'), 0);
  assert.equal(await cluster.run(nodeCordon, 'n1'), 0);
  assert.equal(cluster.output, 'node/n1 already cordoned\n');
  await assert.rejects(cluster.run(nodeCordon, 'nobody'), /there is no node nobody/);
});

test('a drain that its budget does not allow ends at its timeout with the reason', async (t) => {
  const cluster = await Cluster.start(t, { nodes: ['n1', 'n2'] });
  const { bench } = cluster;
  const { client, signal } = bench.plane;
  await bench.create('a', { replicas: 2 });
  await bench.settled('a', 2);
  const selector = { matchLabels: { 'windlass.dev/service': 'web' } };
  const budget = { metadata: { name: 'web' }, spec: { minAvailable: 2, selector } };
  await client.create(POD_DISRUPTION_BUDGETS, 'default', budget, signal);
  await eventually('it is counted', async () => {
    const found = await client.get<ApiObject & { readonly status?: { expectedPods?: number } }>(
      POD_DISRUPTION_BUDGETS,
      'default',
      'web',
      signal,
    );
    assert.equal(found.status?.expectedPods, 2);
  });
  await assert.rejects(cluster.run(nodeDrain, 'n1', '--timeout', '1s'), (error: Error) => {
    assert.match(error.message, /the time of --timeout 1s is up/);
    assert.match(error.message, /disruption budget web needs 2 healthy pods and has 2 currently/);
    return true;
  });
  assert.equal(cluster.spread()['n1'], 1);
  assert.equal(await cluster.run(nodeDrain, 'n1', '--disable-eviction'), 0);
  assert.equal(cluster.spread()['n1'], undefined);
});

test('a drain does not begin while something stands in the way', async (t) => {
  const cluster = await Cluster.start(t, { nodes: ['n1', 'n2'] });
  const { client, signal } = cluster.bench.plane;
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'a' }] };
  await client.create(PODS, 'default', { metadata: { name: 'bare' }, spec }, signal);
  await assert.rejects(cluster.run(nodeDrain, 'n1'), /1 of its Pods may not be evicted/);
  assert.match(cluster.output, /stands in the way:\n {2}default\/bare {2}nothing makes it again/);
  assert.equal(cluster.spread()['n1'], 1);
  assert.equal(await cluster.run(nodeDrain, 'n1', '--force'), 0);
  assert.deepEqual(cluster.spread(), {});
});

test('a dead machine is removed and its instances start elsewhere; its volumes only with --force', async (t) => {
  const cluster = await Cluster.start(t, { nodes: ['n1', 'n2'], fates: { a: 'hangs' } });
  const { bench } = cluster;
  const { client, signal } = bench.plane;
  await bench.create('a', { replicas: 2 });
  await bench.settled('a', 2);
  await cluster.claimOn('n1');
  const conditions = [{ type: 'Ready', status: 'Unknown', reason: 'Silent', message: '' }];
  await client.patch(NODES, '', 'n1', 'status', 'merge', { status: { conditions } }, signal);

  await assert.rejects(cluster.run(nodeDrain, 'n1'), /node n1 does not answer/);
  await assert.rejects(cluster.run(nodeRemove, 'n1'), (error: Error) => {
    assert.match(error.message, /the data of 1 volume is on node n1[^]*default\/data/);
    return true;
  });
  assert.equal(await cluster.run(nodeRemove, 'n1', '--force'), 0);
  assert.match(cluster.output, /^node\/n1 removed\n1 Pod of it freed/);
  assert.deepEqual(await cluster.list(NODES), ['n2']);
  assert.deepEqual(await cluster.list(PERSISTENT_VOLUME_CLAIMS), []);
  await eventually('both are on the other one', () =>
    assert.deepEqual(cluster.spread(), { n2: 2 }),
  );
});

test('a machine that answers is drained before it is removed', async (t) => {
  const cluster = await Cluster.start(t, { nodes: ['n1', 'n2'] });
  await cluster.bench.create('a', { replicas: 2 });
  await cluster.bench.settled('a', 2);
  assert.equal(await cluster.run(nodeRemove, 'n1'), 0);
  assert.match(cluster.output, /node\/n1 cordoned[^]*node\/n1 removed\nIts agent still runs/);
  assert.deepEqual(await cluster.list(NODES), ['n2']);
  await cluster.bench.settled('a', 2);
});
