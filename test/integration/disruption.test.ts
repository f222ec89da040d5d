// PodDisruptionBudgets over Services, against the real control plane: what is counted, and what evictions get.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { POD_DISRUPTION_BUDGETS, PODS } from '#controllers/machinery/resources.ts';
import { eventually } from '../support/eventually.ts';
import { ServiceBench } from '../support/service-bench.ts';

interface Budget extends ApiObject {
  readonly status?: {
    readonly expectedPods?: number;
    readonly desiredHealthy?: number;
    readonly currentHealthy?: number;
    readonly disruptionsAllowed?: number;
    readonly observedGeneration?: number;
    readonly disruptedPods?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly status: string; readonly reason: string }[];
  };
}

const CONTROLLERS = ['service', 'scheduler', 'disruption'];

class Budgets {
  readonly #bench: ServiceBench;

  constructor(bench: ServiceBench) {
    this.#bench = bench;
  }

  async create(spec: object): Promise<void> {
    const { client, signal } = this.#bench.plane;
    const selector = { matchLabels: { 'windlass.dev/service': 'web' } };
    const body = { metadata: { name: 'web' }, spec: { selector, ...spec } };
    await client.create(POD_DISRUPTION_BUDGETS, 'default', body, signal);
  }

  async change(spec: object): Promise<void> {
    const { client, signal } = this.#bench.plane;
    await client.patch(POD_DISRUPTION_BUDGETS, 'default', 'web', '', 'merge', { spec }, signal);
  }

  async read(): Promise<Budget> {
    const { client, signal } = this.#bench.plane;
    return client.get<Budget>(POD_DISRUPTION_BUDGETS, 'default', 'web', signal);
  }

  /** Waits until expected, desired, healthy and allowed are these, for the present spec. */
  counted(...expected: readonly number[]): Promise<Budget> {
    return eventually(`counts ${expected.join(' ')}`, async () => {
      const budget = await this.read();
      const { status = {} } = budget;
      assert.equal(status.observedGeneration, budget.metadata.generation);
      assert.deepEqual(
        [
          status.expectedPods,
          status.desiredHealthy,
          status.currentHealthy,
          status.disruptionsAllowed,
        ],
        expected,
      );
      return budget;
    });
  }

  /** @returns undefined when it was granted */
  async evict(name: string): Promise<RequestError | undefined> {
    const { client, signal } = this.#bench.plane;
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } };
    try {
      await client.connect(PODS, 'default', name, 'eviction', body, signal);
      return undefined;
    } catch (error) {
      if (error instanceof RequestError) return error;
      throw error;
    }
  }
}

test('a budget over a service counts by its scale, follows it, and lets evictions through one by one', async (t) => {
  const bench = await ServiceBench.start(t, { nodes: ['n1', 'n2', 'n3'] });
  await bench.plane.controllers(CONTROLLERS);
  const budgets = new Budgets(bench);
  await bench.create('a', { replicas: 3 });
  await bench.settled('a', 3);
  await budgets.create({ maxUnavailable: 1 });
  const counted = await budgets.counted(3, 2, 3, 1);
  assert.deepEqual(
    counted.status?.conditions?.map(({ status, reason }) => [status, reason]),
    [['True', 'SufficientPods']],
  );

  // Two machines are drained at once: never more than one instance is away.
  bench.nodes.watchServing();
  const before = bench.nodes.alive.map(({ metadata }) => metadata.name);
  const left = [...before];
  await eventually('all of them are evicted', async () => {
    const answers = await Promise.all(
      left.map(async (name) => [name, await budgets.evict(name)] as const),
    );
    for (const [name, refused] of answers) {
      if (refused === undefined || refused.code === 404) left.splice(left.indexOf(name), 1);
      else assert.equal(refused.code, 429, refused.message);
    }
    assert.deepEqual(left, []);
  });
  await bench.settled('a', 3);
  assert.ok(bench.nodes.fewestServing >= 2, `only ${bench.nodes.fewestServing} served`);
  const { status } = await budgets.counted(3, 2, 3, 1);
  assert.equal(status?.disruptedPods, undefined);

  await bench.change({ replicas: 4 });
  await budgets.counted(4, 3, 4, 1);
  await budgets.change({ maxUnavailable: null, minAvailable: '100%' });
  await budgets.counted(4, 4, 4, 0);
  const [first] = bench.nodes.alive;
  const refused = await budgets.evict(first?.metadata.name ?? '');
  assert.equal(refused?.code, 429);
  assert.equal(refused.details?.causes?.[0]?.reason, 'DisruptionBudget');
  await budgets.change({ minAvailable: 2 });
  await budgets.counted(4, 2, 4, 2);
});

test('a budget over bare Pods counts them with minAvailable, and allows nothing where it cannot know', async (t) => {
  const bench = await ServiceBench.start(t);
  const { client, signal } = bench.plane;
  await bench.plane.controllers(CONTROLLERS);
  const budgets = new Budgets(bench);
  for (const name of ['p1', 'p2']) {
    const metadata = { name, labels: { 'windlass.dev/service': 'web' } };
    const spec = { containers: [{ name: 'c', image: 'a' }] };
    await client.create(PODS, 'default', { metadata, spec }, signal);
  }
  await budgets.create({ minAvailable: 1 });
  await budgets.counted(2, 1, 2, 1);
  assert.equal(await budgets.evict('p1'), undefined);
  await budgets.counted(1, 1, 1, 0);

  await budgets.change({ minAvailable: null, maxUnavailable: 1 });
  await budgets.counted(0, 0, 1, 0);

  // A controller that nobody serves: its scale cannot be found.
  const owner = {
    apiVersion: 'nobody.dev/v1',
    kind: 'Swarm',
    name: 's',
    uid: 'u',
    controller: true,
  };
  const metadata = {
    name: 'p3',
    labels: { 'windlass.dev/service': 'web' },
    ownerReferences: [owner],
  };
  const spec = { containers: [{ name: 'c', image: 'a' }] };
  await client.create(PODS, 'default', { metadata, spec }, signal);
  await eventually('it says so', async () => {
    const { status } = await budgets.read();
    assert.deepEqual(
      status?.conditions?.map(({ status: is, reason }) => [is, reason]),
      [['False', 'SyncFailed']],
    );
  });
});
