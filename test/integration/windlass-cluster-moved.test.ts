// The controller of a cluster of ours is replaced by another one that keeps its state in the same place: the cluster goes on where it
// was, on the port that it has, and the worker that had joined the former one joins the new one by itself.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Cluster, Machine } from '#controllers/cluster/types.ts';
import { LocalDriver } from '#controllers/infrastructure/local/local-driver.ts';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { isConditionTrue } from '#controllers/machinery/conditions.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import {
  CLUSTERS,
  CONFIG_MAPS,
  INFRA_PROVIDERS,
  MACHINES,
  NODES,
} from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-ports.ts';
import { launcher } from '../support/windlass.ts';

/** Several servers start, on a machine that does other things too. */
const PATIENCE_MS = 300_000;

interface Node extends ApiObject {
  readonly status?: { readonly conditions?: Parameters<typeof isConditionTrue>[0] };
}

test(
  'a controller is replaced: its successor has the state, and the worker joins there',
  { timeout: 1_200_000 },
  async (t) => {
    const plane = await TestControlPlane.start(t);
    const { client, signal } = plane;
    const state = join(plane.folder, 'nodes');
    mkdirSync(state);
    const driver = new LocalDriver({
      settings: { stateDirectory: state },
      clock: systemClock,
      ids: systemIds,
    });
    // Nodes outlive who made them, so also a test that fails.
    t.after(async () => {
      const until = AbortSignal.timeout(60_000);
      for (const node of await driver.list({}, until)) await driver.remove(node, until);
    });
    t.after(await plane.controllers(['cluster']));
    // Its successor takes the next one.
    const port = await freePorts(2);
    const provider = {
      metadata: { name: 'here' },
      spec: { type: 'Local', settings: { stateDirectory: state } },
    };
    await client.create(INFRA_PROVIDERS, 'default', provider, signal);
    const pools = (controllers: string): readonly object[] => [
      { name: controllers, role: 'controller', replicas: 1 },
      { name: 'w', role: 'worker', replicas: 1 },
    ];
    const shared = join(plane.folder, 'shared');
    const key = `file:${join(plane.folder, 'secrets.key')}`;
    const spec = {
      distribution: 'Windlass',
      providerRef: { name: 'here' },
      pools: pools('cp'),
      distributionOptions: {
        flags: ['--persistence', `nfs:${shared}`, '--secrets-key', key],
        configuration: { port, program: [process.execPath, launcher] },
      },
    };
    await client.create(CLUSTERS, 'default', { metadata: { name: 'own' }, spec }, signal);
    const isReady = (): Promise<Cluster> =>
      eventually(
        'the cluster is ready',
        async () => {
          const now = await client.get<Cluster>(CLUSTERS, 'default', 'own', signal);
          const machines = (await client.list<Machine>(MACHINES, {}, signal)).items;
          const shown = JSON.stringify([now.status, machines.map(({ status }) => status)]);
          assert.equal(now.status?.observedGeneration, now.metadata.generation, shown);
          assert.equal(now.status?.plan?.length, 0, shown);
          assert.ok(isConditionTrue(now.status?.conditions, 'Ready'), shown);
          return now;
        },
        PATIENCE_MS,
      );
    const innerOf = async (controller: string): Promise<HttpClient> =>
      new HttpClient({
        connection: await loadConnection(join(state, controller, 'data/windlass/admin.kubeconfig')),
        clock: systemClock,
        metrics: new MetricsRegistry(),
        userAgent: 'windlass-test',
        random: Math.random,
      });
    const joinedAt = async (): Promise<string | undefined> => {
      const worker = await client.get<Machine>(MACHINES, 'default', 'own-w-0', signal);
      return worker.metadata.annotations?.['windlass.dev/joined-at'];
    };

    assert.equal((await isReady()).status?.endpoint, `https://127.0.0.1:${port}`);
    assert.equal(await joinedAt(), 'own-cp-0');
    {
      await using first = await innerOf('own-cp-0');
      const kept = { metadata: { name: 'kept' }, data: { of: 'the first' } };
      await first.create(CONFIG_MAPS, 'default', kept, signal);
    }
    const change = { spec: { pools: pools('cq') } };
    await client.patch(CLUSTERS, 'default', 'own', '', 'merge', change, signal);
    await eventually(
      'the worker joins the new one',
      async () => assert.equal(await joinedAt(), 'own-cq-0'),
      PATIENCE_MS,
    );
    const moved = await isReady();
    assert.deepEqual(readdirSync(state).toSorted(), ['own-cq-0', 'own-w-0']);
    assert.equal(moved.status?.endpoint, `https://127.0.0.1:${port + 1}`);
    await using second = await innerOf('own-cq-0');
    await eventually(
      'the worker works for the new one',
      async () => {
        const { items } = await second.list<Node>(NODES, {}, signal);
        assert.deepEqual(
          items.map(({ metadata, status }) => [
            metadata.name,
            isConditionTrue(status?.conditions, 'Ready'),
          ]),
          [['own-w-0', true]],
        );
      },
      PATIENCE_MS,
    );
    const kept = await second.get<ApiObject & { readonly data: object }>(
      CONFIG_MAPS,
      'default',
      'kept',
      signal,
    );
    assert.deepEqual(kept.data, { of: 'the first' });
  },
);
