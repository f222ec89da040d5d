// Nodes that stop answering, against the real control plane, with the clock of the controller in the test's hands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { Informer } from '#controllers/machinery/informer.ts';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { Manager } from '#controllers/machinery/manager.ts';
import { LEASES, NODES, PODS } from '#controllers/machinery/resources.ts';
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
const TAINTED = [
  ['node.kubernetes.io/unreachable', 'NoSchedule'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
];

class Bench {
  readonly plane: TestControlPlane;
  readonly clock: FakeClock = new FakeClock();
  readonly #metrics: MetricsRegistry = new MetricsRegistry();
  #beats = 0;
  #leases!: Informer<Lease>;

  private constructor(plane: TestControlPlane) {
    this.plane = plane;
  }

  static async start(t: TestContext): Promise<Bench> {
    const bench = new Bench(await TestControlPlane.start(t));
    const { client, signal } = bench.plane;
    await client.create(NODES, '', { metadata: { name: 'n1' } }, signal);
    await bench.say(READY);
    const metadata = { name: 'n1', namespace: 'kube-node-lease' };
    const spec = {
      holderIdentity: 'n1',
      leaseDurationSeconds: 40,
      renewTime: '2026-01-01T00:00:00.000000Z',
    };
    await client.create(LEASES, 'kube-node-lease', { metadata, spec }, signal);
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
    bench.#leases = manager.informer<Lease>(LEASES, {
      selectors: { namespace: 'kube-node-lease' },
    });
    void manager.run(signal);
    await bench.#leases.synced(signal);
    return bench;
  }

  say(conditions: readonly object[]): Promise<unknown> {
    const { client, signal } = this.plane;
    return client.patch(NODES, '', 'n1', 'status', 'merge', { status: { conditions } }, signal);
  }

  /** As the agent; resolves when the controller has seen it. */
  async renew(): Promise<void> {
    this.#beats += 1;
    const renewTime = `2026-01-01T00:00:${String(this.#beats).padStart(2, '0')}.000000Z`;
    const { client, signal } = this.plane;
    await client.patch(
      LEASES,
      'kube-node-lease',
      'n1',
      '',
      'merge',
      { spec: { renewTime } },
      signal,
    );
    await eventually('the Lease is seen', () =>
      assert.equal(this.#leases.cache.get('kube-node-lease', 'n1')?.spec?.renewTime, renewTime),
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

  async node(): Promise<Node> {
    return this.plane.client.get<Node>(NODES, '', 'n1', this.plane.signal);
  }

  async ready(): Promise<readonly [string | undefined, readonly (readonly string[])[]]> {
    const { spec, status } = await this.node();
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

  async advance(ms: number): Promise<void> {
    await this.idle();
    this.clock.advance(ms);
    await this.idle();
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
