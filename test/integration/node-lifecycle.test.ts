// Nodes that stop answering, against the real control plane, with the clock of the controller in the test's hands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { Informer } from '#controllers/machinery/informer.ts';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { Manager } from '#controllers/machinery/manager.ts';
import {
  EVENTS,
  LEASES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
} from '#controllers/machinery/resources.ts';
import { addNodeLifecycleController } from '#controllers/node-lifecycle/controller.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';

interface Node extends ApiObject {
  readonly spec?: {
    readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; reason: string }[];
  };
}

interface Lease extends ApiObject {
  readonly spec?: { readonly renewTime?: string };
}

const READY = [{ type: 'Ready', status: 'True', reason: 'AgentReady', message: '' }];
const STEP_MS = 20_000;
const TAINTED = [
  ['node.kubernetes.io/unreachable', 'NoSchedule'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
];

function leaseOf(name: string): object {
  const renewTime = '2026-01-01T00:00:00.000000Z';
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
  return { metadata: { name, namespace: 'kube-node-lease' }, spec };
}

class Bench {
  readonly plane: TestControlPlane;
  readonly clock: FakeClock = new FakeClock();
  readonly #metrics: MetricsRegistry = new MetricsRegistry();
  #beats = 0;
  #alive: string[] = [];
  #leases!: Informer<Lease>;

  private constructor(plane: TestControlPlane) {
    this.plane = plane;
  }

  /** With `n1` and `others`, which answer all the time unless they are silenced. */
  static async start(t: TestContext, others: readonly string[] = ['n2']): Promise<Bench> {
    const bench = new Bench(await TestControlPlane.start(t));
    const { client, signal } = bench.plane;
    for (const name of ['n1', ...others]) {
      await client.create(NODES, '', { metadata: { name } }, signal);
      await bench.say(READY, name);
      await client.create(LEASES, 'kube-node-lease', leaseOf(name), signal);
    }
    bench.#alive = [...others];
    const manager = new Manager({
      client,
      clock: bench.clock,
      ids: systemIds,
      logger: silentLogger,
      metrics: bench.#metrics,
      random: () => 0.5,
    });
    addNodeLifecycleController(manager);
    // The one that the controller has, too.
    bench.#leases = manager.informer<Lease>(LEASES);
    void manager.run(signal);
    await bench.#leases.synced(signal);
    return bench;
  }

  say(conditions: readonly object[], name = 'n1'): Promise<unknown> {
    const { client, signal } = this.plane;
    return client.patch(NODES, '', name, 'status', 'merge', { status: { conditions } }, signal);
  }

  silence(...names: readonly string[]): void {
    this.#alive = this.#alive.filter((name) => !names.includes(name));
  }

  /** The agent is back: it renews its Lease from now on and says that it is ready. */
  async comesBack(name: string): Promise<void> {
    this.#alive.push(name);
    await this.renew(name);
    await this.say(READY, name);
  }

  /** As the agent; resolves when the controller has seen it. */
  async renew(name = 'n1'): Promise<void> {
    await this.#beat([name]);
  }

  /** As agents; the server tells of many renewals at once only now and then, so that they are made together. */
  async #beat(names: readonly string[]): Promise<void> {
    this.#beats += 1;
    const renewTime = `${new Date(Date.UTC(2026, 0, 1) + this.#beats * 1000).toISOString().slice(0, -1)}000Z`;
    const { client, signal } = this.plane;
    const patch = { spec: { renewTime } };
    await Promise.all(
      names.map((name) =>
        client.patch(LEASES, 'kube-node-lease', name, '', 'merge', patch, signal),
      ),
    );
    await eventually('the Leases are seen', () =>
      names.forEach((name) =>
        assert.equal(this.#leases.cache.get('kube-node-lease', name)?.spec?.renewTime, renewTime),
      ),
    );
  }

  async pod(name: string, spec: object = {}): Promise<void> {
    const { client, signal } = this.plane;
    const body = {
      metadata: { name },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], ...spec },
    };
    await client.create(PODS, 'default', body, signal);
  }

  async node(name = 'n1'): Promise<Node> {
    return this.plane.client.get<Node>(NODES, '', name, this.plane.signal);
  }

  async ready(name = 'n1'): Promise<readonly [string | undefined, readonly (readonly string[])[]]> {
    const { spec, status } = await this.node(name);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    return [ready?.status, (spec?.taints ?? []).map(({ key, effect }) => [key, effect])];
  }

  /** Names of Pods, with `-` in front of those being deleted. */
  async pods(): Promise<readonly string[]> {
    const { items } = await this.plane.client.list(
      PODS,
      { namespace: 'default' },
      this.plane.signal,
    );
    return items.map(({ metadata }) =>
      metadata.deletionTimestamp === undefined ? metadata.name : `-${metadata.name}`,
    );
  }

  /** How often something made the controller look at a node. */
  async looks(): Promise<number> {
    await this.idle();
    const text = await this.exposition();
    return Number(/^workqueue_adds_total\{name="node-lifecycle"\} (\d+)/m.exec(text)?.[1]);
  }

  /** Waits until the controller has looked at everything that it was told. */
  async idle(): Promise<void> {
    await eventually('the controller is idle', async () => {
      const text = await this.#metrics.expose();
      const count = (name: string): string | undefined =>
        new RegExp(`^${name}\\{name="node-lifecycle"\\} (\\d+)`, 'm').exec(text)?.[1];
      assert.notEqual(count('workqueue_adds_total') ?? '0', '0');
      assert.equal(count('workqueue_adds_total'), count('workqueue_work_duration_seconds_count'));
    });
  }

  exposition(): Promise<string> {
    return this.#metrics.expose();
  }

  /** Lets time pass, in which those who answer do. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.#beat(this.#alive);
      await this.idle();
      this.clock.advance(Math.min(left, STEP_MS));
      await this.idle();
    }
  }

  /** Reasons of the events about a Pod. */
  async reasons(pod: string): Promise<readonly string[]> {
    const { client, signal } = this.plane;
    const list = await client.list<ApiObject & { readonly reason: string }>(
      EVENTS,
      { namespace: 'default', fieldSelector: `involvedObject.name=${pod}` },
      signal,
    );
    return list.items.map(({ reason }) => reason);
  }
}

test('a node that stops renewing its Lease is Unknown and tainted, and ready again when it says so', async (t) => {
  const bench = await Bench.start(t);
  await bench.advance(39_000);
  assert.deepEqual(await bench.ready(), ['True', []]);
  await bench.advance(1_001);
  await eventually('it is lost', async () =>
    assert.deepEqual(await bench.ready(), ['Unknown', TAINTED]),
  );
  const ready = (await bench.node()).status?.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready?.reason, 'NodeStatusUnknown');
  await bench.renew();
  await bench.say(READY);
  await eventually('it is back', async () => assert.deepEqual(await bench.ready(), ['True', []]));
});

test('Pods leave a lost node after five minutes, or when their tolerations say so', async (t) => {
  const bench = await Bench.start(t);
  const toleration = {
    key: 'node.kubernetes.io/unreachable',
    operator: 'Exists',
    effect: 'NoExecute',
  };
  await bench.pod('patient', { tolerations: [toleration] });
  await bench.pod('hasty', { tolerations: [{ ...toleration, tolerationSeconds: 10 }] });
  await bench.pod('usual');
  await bench.advance(40_001);
  await eventually('it is lost', async () => assert.equal((await bench.ready())[0], 'Unknown'));
  await eventually('it is tainted', async () =>
    assert.deepEqual((await bench.ready())[1], TAINTED),
  );
  await bench.advance(10_001);
  await eventually('the hasty one goes', async () =>
    assert.deepEqual(await bench.pods(), ['-hasty', 'patient', 'usual']),
  );
  await bench.advance(280_000);
  assert.deepEqual(await bench.pods(), ['-hasty', 'patient', 'usual']);
  await bench.advance(10_000);
  await eventually('the usual one goes', async () =>
    assert.deepEqual(await bench.pods(), ['-hasty', 'patient', '-usual']),
  );
});

test('renewals in time do not make the controller look at their node, only the end of its time does', async (t) => {
  const bench = await Bench.start(t);
  await bench.renew();
  const before = await bench.looks();
  for (let beat = 0; beat < 5; beat += 1) {
    bench.clock.advance(5_000);
    await bench.renew();
    await bench.renew('n2');
  }
  assert.equal(await bench.looks(), before);
  // 40 s after the start, both are looked at, and found to be well for another 25 s at least.
  bench.clock.advance(15_000);
  assert.equal(await bench.looks(), before + 2);
  assert.deepEqual(await bench.ready(), ['True', []]);
  assert.deepEqual(await bench.ready('n2'), ['True', []]);
});

test('a Node that nobody has spoken for has a minute; then it is Unknown and tainted until its agent comes', async (t) => {
  const bench = await Bench.start(t);
  const { client, signal } = bench.plane;
  const before = await bench.looks();
  await client.create(NODES, '', { metadata: { name: 'mute' } }, signal);
  await eventually('it is seen', async () => assert.ok((await bench.looks()) > before));
  await bench.advance(59_000);
  assert.deepEqual(await bench.ready('mute'), [undefined, []]);
  await bench.advance(1_001);
  await eventually('it is Unknown', async () =>
    assert.deepEqual(await bench.ready('mute'), ['Unknown', TAINTED]),
  );
  const { status } = await bench.node('mute');
  for (const { reason } of status?.conditions ?? []) assert.equal(reason, 'NodeStatusNeverUpdated');
  await client.create(LEASES, 'kube-node-lease', leaseOf('mute'), signal);
  await bench.comesBack('mute');
  await eventually('its agent has come', async () =>
    assert.deepEqual(await bench.ready('mute'), ['True', []]),
  );
});

test('a controller that has just started gives every node its time', async (t) => {
  const bench = await Bench.start(t);
  // The Lease was renewed long ago by its own account.
  await bench.advance(30_000);
  await bench.renew();
  await bench.advance(30_000);
  assert.deepEqual(await bench.ready(), ['True', []]);
});

test('Pods of a Node that was deleted are removed', async (t) => {
  const bench = await Bench.start(t);
  await bench.pod('left');
  await bench.plane.client.delete(NODES, '', 'n1', {}, bench.plane.signal);
  await eventually('none is left', async () => assert.deepEqual(await bench.pods(), []));
});

const VOLUME = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
const HASTY = {
  tolerations: [
    {
      key: 'node.kubernetes.io/unreachable',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 10,
    },
  ],
};

test('a Pod whose volume is on the silent node stays, is not ready, and says why; giving up its claim lets it go', async (t) => {
  const bench = await Bench.start(t);
  const { client, signal } = bench.plane;
  const annotations = { 'volume.kubernetes.io/selected-node': 'n1' };
  const claim = {
    metadata: { name: 'data', annotations },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  await client.create(PERSISTENT_VOLUME_CLAIMS, 'default', claim, signal);
  await bench.pod('db', { ...HASTY, ...VOLUME });
  await bench.pod('web', HASTY);
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  await client.patch(PODS, 'default', 'db', 'status', 'merge', { status }, signal);

  await bench.advance(40_001);
  await eventually('it is given up', async () =>
    assert.deepEqual(await bench.ready(), ['Unknown', TAINTED]),
  );
  await bench.advance(10_001);
  await eventually('only the one without a volume goes', async () =>
    assert.deepEqual(await bench.pods(), ['db', '-web']),
  );
  await eventually('it says why it stays', async () =>
    assert.deepEqual(await bench.reasons('db'), ['KeptForVolume']),
  );
  const db = await client.get<ApiObject & { readonly status: typeof status }>(
    PODS,
    'default',
    'db',
    signal,
  );
  assert.equal(db.status.conditions[0]?.status, 'False');
  await bench.advance(600_000);
  assert.deepEqual(await bench.pods(), ['db', '-web']);
  assert.deepEqual(await bench.reasons('db'), ['KeptForVolume'], 'said once');
  assert.match(await bench.exposition(), /^windlass_node_lifecycle_kept_pods\{node="n1"\} 1$/m);

  await client.delete(PERSISTENT_VOLUME_CLAIMS, 'default', 'data', {}, signal);
  await eventually('nothing keeps it', async () =>
    assert.deepEqual(await bench.pods(), ['-db', '-web']),
  );
});

test('when no node answers nobody is given up; when one answers again the others have their time', async (t) => {
  const bench = await Bench.start(t);
  await bench.pod('web', HASTY);
  bench.silence('n2');
  await bench.advance(40_001);
  await eventually('both are lost', async () => {
    assert.equal((await bench.ready('n1'))[0], 'Unknown');
    assert.equal((await bench.ready('n2'))[0], 'Unknown');
  });
  await bench.advance(600_000);
  await eventually('neither is given up', async () => {
    assert.deepEqual((await bench.ready('n1'))[1], TAINTED.slice(0, 1));
    assert.deepEqual((await bench.ready('n2'))[1], TAINTED.slice(0, 1));
  });
  assert.deepEqual(await bench.pods(), ['web']);
  await bench.comesBack('n2');
  await eventually('the other one is given up', async () =>
    assert.deepEqual((await bench.ready('n1'))[1], TAINTED),
  );
  assert.deepEqual(await bench.pods(), ['web']);
  await bench.advance(10_001);
  await eventually('its Pod leaves', async () => assert.deepEqual(await bench.pods(), ['-web']));
});

test('when most of a zone is silent its Pods stay, and nodes are given up one after the other otherwise', async (t) => {
  const bench = await Bench.start(t, ['n2', 'n3', 'n4', 'n5']);
  const givenUp = async (): Promise<readonly string[]> => {
    const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const taints = await Promise.all(names.map(async (name) => (await bench.ready(name))[1]));
    return names.filter((_, index) => taints[index]?.some(([, effect]) => effect === 'NoExecute'));
  };
  const lost = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) assert.equal((await bench.ready(name))[0], 'Unknown');
  };
  bench.silence('n2', 'n3');
  await bench.advance(40_001);
  await eventually('three of five are lost', () => lost('n1', 'n2', 'n3'));
  const before = (await givenUp()).length;
  assert.ok(before <= 2, 'the third makes it a disturbance');
  await bench.advance(120_000);
  assert.equal((await givenUp()).length, before);
  await bench.comesBack('n3');
  await eventually('two are given up, in time', async () => {
    await bench.advance(5_000);
    assert.deepEqual(await givenUp(), ['n1', 'n2']);
  });
});
