// The scheduler against the real control plane: bare Pods, and what is told about those that fit nowhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { EVENTS, NODES, PODS } from '#controllers/machinery/resources.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { SimulatedNodes } from '../support/simulated-nodes.ts';

interface Pod extends ApiObject {
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

interface EventObject extends ApiObject {
  readonly reason?: string;
  readonly message?: string;
}

class Bench {
  readonly plane: TestControlPlane;
  readonly nodes: SimulatedNodes;

  private constructor(plane: TestControlPlane) {
    this.plane = plane;
    this.nodes = new SimulatedNodes(plane.client, plane.signal);
  }

  static async start(t: TestContext): Promise<Bench> {
    const bench = new Bench(await TestControlPlane.start(t));
    await bench.plane.controllers(['scheduler']);
    return bench;
  }

  async make(name: string, cpu = '100m', spec: object = {}): Promise<void> {
    const containers = [{ name: 'c', image: 'v1', resources: { requests: { cpu } } }];
    const body = { metadata: { name }, spec: { containers, ...spec } };
    await this.plane.client.create(PODS, 'default', body, this.plane.signal);
  }

  get(name: string): Promise<Pod> {
    return this.plane.client.get<Pod>(PODS, 'default', name, this.plane.signal);
  }

  nodeOf(name: string): Promise<string> {
    return eventually(`${name} is bound`, async () => {
      const { nodeName } = (await this.get(name)).spec;
      assert.ok(nodeName);
      return nodeName;
    });
  }

  /** Waits until the Pod says that it fits nowhere, and why. */
  refused(name: string, message: RegExp): Promise<void> {
    return eventually(`${name} is refused`, async () => {
      const { status } = await this.get(name);
      const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.equal(scheduled?.status, 'False');
      assert.match(scheduled.message ?? '', message);
    });
  }
}

test('Pods are spread, and an event tells where to', async (t) => {
  const bench = await Bench.start(t);
  await bench.nodes.add('n1');
  await bench.nodes.add('n2');
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) await bench.make(name);
  const nodes = [];
  for (const name of names) nodes.push(await bench.nodeOf(name));
  assert.equal(nodes.filter((node) => node === 'n1').length, 2);
  await eventually('events tell', async () => {
    const { items } = await bench.plane.client.list<EventObject>(
      EVENTS,
      { namespace: 'default' },
      bench.plane.signal,
    );
    assert.equal(items.filter(({ reason }) => reason === 'Scheduled').length, 4);
    assert.ok(
      items.some(({ message }) => /^Successfully assigned default\/a to n\d$/.test(message ?? '')),
    );
  });
});

test('a Pod that fits nowhere says why for each node, and is bound as soon as there is room', async (t) => {
  const bench = await Bench.start(t);
  const { client, signal } = bench.plane;
  await bench.make('early');
  await bench.refused('early', /^0\/0 nodes are available: no node has joined yet\.$/);
  await bench.nodes.add('n1');
  await bench.nodeOf('early');
  await bench.nodes.add('n2', {}, { unschedulable: true });
  await bench.make('large', '3950m');
  const both =
    /^0\/2 nodes are available: n1 has too little cpu left; n2 is cordoned \(unschedulable\)\.$/;
  await bench.refused('large', both);
  await client.delete(PODS, 'default', 'early', {}, signal);
  assert.equal(await bench.nodeOf('large'), 'n1');
  await bench.make('next', '3950m');
  await bench.refused('next', both);
  await client.patch(NODES, '', 'n2', '', 'merge', { spec: { unschedulable: null } }, signal);
  assert.equal(await bench.nodeOf('next'), 'n2');
});

test('Pods for another scheduler, and gated ones, are left alone', async (t) => {
  const bench = await Bench.start(t);
  await bench.nodes.add('n1');
  await bench.make('foreign', '1m', { schedulerName: 'other' });
  await bench.make('gated', '1m', { schedulingGates: [{ name: 'example.org/wait' }] });
  await bench.make('mine');
  await bench.nodeOf('mine');
  for (const name of ['foreign', 'gated']) {
    assert.equal((await bench.get(name)).spec.nodeName, undefined, name);
  }
});

test('many Pods at once never overfill a node', async (t) => {
  const bench = await Bench.start(t);
  await bench.nodes.add('n1');
  await bench.nodes.add('n2');
  // Four CPUs each: five fit on a node.
  const names = Array.from({ length: 12 }, (_, index) => `p${10 + index}`);
  await Promise.all(names.map((name) => bench.make(name, '800m')));
  await eventually('all are judged', async () => {
    const pods = await Promise.all(names.map((name) => bench.get(name)));
    const bound = pods.filter(({ spec }) => spec.nodeName !== undefined);
    assert.equal(bound.length, 10);
    for (const node of ['n1', 'n2']) {
      assert.equal(bound.filter(({ spec }) => spec.nodeName === node).length, 5);
    }
    const refused = pods.filter(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'PodScheduled' && is === 'False'),
    );
    assert.equal(refused.length, 2);
  });
});
