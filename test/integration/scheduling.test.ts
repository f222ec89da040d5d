// The scheduler against the real control plane: bare Pods, and what is told about those that fit nowhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { SELECTED_NODE_ANNOTATION } from '#controllers/machinery/claim-place.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { EVENTS, NODES, PERSISTENT_VOLUME_CLAIMS, PODS } from '#controllers/machinery/resources.ts';
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

interface Claim extends ApiObject {
  readonly status?: { readonly phase?: string; readonly capacity?: object };
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

  async makeClaim(name: string, spec: object = {}): Promise<void> {
    const resources = { requests: { storage: '1Gi' } };
    const body = {
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], resources, ...spec },
    };
    await this.plane.client.create(PERSISTENT_VOLUME_CLAIMS, 'default', body, this.plane.signal);
  }

  /** Node and phase of a claim. */
  async claim(name: string): Promise<readonly (string | undefined)[]> {
    const { client, signal } = this.plane;
    const found = await client.get<Claim>(PERSISTENT_VOLUME_CLAIMS, 'default', name, signal);
    return [found.metadata.annotations?.[SELECTED_NODE_ANNOTATION], found.status?.phase];
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

function mounting(...claims: readonly string[]): object {
  return {
    volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  };
}

test('a claim gets the node of its first Pod, is Bound, and holds the Pods after it there', async (t) => {
  const bench = await Bench.start(t);
  const { client, signal } = bench.plane;
  await bench.nodes.add('n1');
  await bench.makeClaim('data');
  assert.deepEqual(await bench.claim('data'), [undefined, 'Pending']);
  await bench.make('first', '100m', mounting('data'));
  assert.equal(await bench.nodeOf('first'), 'n1');
  assert.deepEqual(await bench.claim('data'), ['n1', 'Bound']);
  await bench.nodes.add('n2');
  await bench.make('second', '100m', mounting('data'));
  assert.equal(await bench.nodeOf('second'), 'n1', 'n2 is empty, and has no data');
  await client.patch(NODES, '', 'n1', '', 'merge', { spec: { unschedulable: true } }, signal);
  await bench.make('third', '100m', mounting('data'));
  await bench.refused(
    'third',
    /^0\/2 nodes are available: n1 is cordoned \(unschedulable\); n2 has not volume data, which is on n1\.$/,
  );
  // A volume that is no node's own goes anywhere, and is not ours to bind.
  await bench.makeClaim('net', { volumeName: 'pv-1' });
  await bench.make('free', '100m', mounting('net'));
  assert.equal(await bench.nodeOf('free'), 'n2');
  assert.deepEqual(await bench.claim('net'), [undefined, 'Pending']);
});

test('a Pod waits for its claim, and goes to where one without a node is used already', async (t) => {
  const bench = await Bench.start(t);
  await bench.nodes.add('n1');
  await bench.nodes.add('n2');
  await bench.make('waits', '100m', mounting('late'));
  await bench.refused(
    'waits',
    /^0\/2 nodes are available: persistentvolumeclaim "late" not found\.$/,
  );
  await bench.makeClaim('late');
  await bench.nodeOf('waits');
  await bench.makeClaim('old');
  await bench.make('by-hand', '100m', { nodeName: 'n2', ...mounting('old') });
  for (const name of ['p1', 'p2', 'p3']) {
    await bench.make(name, '100m', mounting('old'));
    assert.equal(await bench.nodeOf(name), 'n2', name);
  }
  assert.deepEqual(await bench.claim('old'), ['n2', 'Bound']);
});

test('two schedulers never choose two nodes for one claim', async (t) => {
  const bench = await Bench.start(t);
  await bench.plane.controllers(['scheduler']);
  await bench.nodes.add('n1');
  await bench.nodes.add('n2');
  const claims = Array.from({ length: 6 }, (_, index) => `c${index}`);
  await Promise.all(claims.map((name) => bench.makeClaim(name)));
  const pods = claims.flatMap((claim) => [`${claim}-a`, `${claim}-b`, `${claim}-c`]);
  await Promise.all(
    pods.map((name) => bench.make(name, '10m', mounting(name.slice(0, name.indexOf('-'))))),
  );
  for (const claim of claims) {
    const nodes = new Set<string>();
    for (const one of ['a', 'b', 'c']) nodes.add(await bench.nodeOf(`${claim}-${one}`));
    assert.deepEqual([[...nodes][0], 'Bound'], await bench.claim(claim));
    assert.equal(nodes.size, 1, claim);
  }
});
