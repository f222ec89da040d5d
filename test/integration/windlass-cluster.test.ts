// The example of deploy/examples/cluster. A cluster of our own: a control plane and agents as processes of this machine, made, drained, stopped, started and removed by the
// cluster controller of another control plane.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Cluster, Machine } from '#controllers/cluster/types.ts';
import { LocalDriver } from '#controllers/infrastructure/local/local-driver.ts';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { CLUSTERS, INFRA_PROVIDERS, MACHINES, NODES } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { ensureMachineKind } from '../support/machine-kind.ts';
import { launcher, projectRoot } from '../support/windlass.ts';

/** Several servers start, on a machine that does other things too. */
const PATIENCE_MS = 300_000;

interface Example {
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

interface Node extends ApiObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

test(
  'a cluster of our own is made, shrunk, stopped, started as it was, and removed',
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
      const until = AbortSignal.timeout(120_000);
      for (const node of await driver.list({}, until)) await driver.remove(node, until);
    });
    await ensureMachineKind(client, signal);
    const stop = await plane.controllers(['cluster']);
    const port = await freePort();
    const text = readFileSync(join(projectRoot, 'deploy/examples/cluster/cluster.yaml'), 'utf8');
    const [provider, example] = parseAllDocuments(text).map(
      (document) => document.toJS() as Example,
    );
    assert.ok(provider && example);
    provider.spec['settings'] = { stateDirectory: state };
    example.spec['distributionOptions'] = {
      configuration: { port, program: [process.execPath, launcher] },
    };
    await client.create(INFRA_PROVIDERS, 'default', provider, signal);
    await client.create(CLUSTERS, 'default', example, signal);
    const cluster = (): Promise<Cluster> => client.get<Cluster>(CLUSTERS, 'default', 'own', signal);
    const condition = ({ status }: Cluster, type: string): string => {
      const found = status?.conditions?.find((one) => one.type === type);
      return `${found?.status ?? ''} ${found?.reason ?? ''} ${found?.message ?? ''}`;
    };
    const isReady = (): Promise<Cluster> =>
      eventually(
        'the cluster is ready',
        async () => {
          const now = await cluster();
          const machines = (await client.list<Machine>(MACHINES, {}, signal)).items;
          assert.match(
            condition(now, 'Ready'),
            /^True/,
            JSON.stringify([now.status, machines.map(({ status }) => status)]),
          );
          assert.equal(now.status?.observedGeneration, now.metadata.generation);
          return now;
        },
        PATIENCE_MS,
      );
    const change = (spec: object): Promise<Cluster> =>
      client.patch<Cluster>(CLUSTERS, 'default', 'own', '', 'merge', { spec }, signal);

    const made = await isReady();
    assert.equal(made.status?.endpoint, `https://127.0.0.1:${port}`);
    assert.equal(made.status.phase, 'running');
    assert.deepEqual(
      readdirSync(state).toSorted((a, b) => (a < b ? -1 : 1)),
      ['own-cp-0', 'own-w-0', 'own-w-1'],
    );
    const connection = await loadConnection(join(state, 'own-cp-0/data/windlass/admin.kubeconfig'));
    await using inner = new HttpClient({
      connection,
      clock: systemClock,
      metrics: new MetricsRegistry(),
      userAgent: 'windlass-test',
      random: Math.random,
    });
    const nodes = async (): Promise<readonly string[]> =>
      (await inner.list<Node>(NODES, {}, signal)).items.map(
        ({ metadata, spec }) =>
          `${metadata.name}${spec?.unschedulable === true ? ' cordoned' : ''}`,
      );
    assert.deepEqual(await nodes(), ['own-w-0', 'own-w-1']);

    // What runs says itself which version it is.
    const versions = async (): Promise<readonly (string | undefined)[]> =>
      (await client.list<Machine>(MACHINES, {}, signal)).items.map(
        ({ status }) => status?.runningVersion,
      );
    assert.deepEqual(await versions(), ['0.1.0', '0.1.0', '0.1.0']);

    // Controllers that know nothing yet go on with it.
    await stop();
    const stopAgain = await plane.controllers(['cluster']);
    t.after(stopAgain);

    await change({
      pools: [
        { name: 'cp', role: 'controller', replicas: 1 },
        { name: 'w', role: 'worker', replicas: 1 },
      ],
    });
    await isReady();
    assert.deepEqual(await nodes(), ['own-w-0']);
    assert.ok(!readdirSync(state).includes('own-w-1'));

    // Other flags reach a controller that is there already, and its state stays.
    const words = (): string => {
      const pid = Number.parseInt(readFileSync(join(state, 'own-cp-0/process'), 'utf8'), 10);
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    };
    assert.doesNotMatch(words(), /--log-level/);
    await change({ distributionOptions: { flags: ['--log-level', 'debug'] } });
    await isReady();
    await eventually('the controller runs with them', () =>
      assert.match(words(), /--log-level debug/),
    );
    assert.deepEqual(await nodes(), ['own-w-0']);

    await change({ powerState: 'Stopped' });
    await eventually(
      'the cluster is stopped',
      async () => {
        const now = await cluster();
        assert.equal(now.status?.phase, 'stopped', JSON.stringify(now.status));
        assert.deepEqual(now.status.powerSnapshot?.machines, ['own-cp-0', 'own-w-0']);
      },
      PATIENCE_MS,
    );
    await change({ powerState: 'Running' });
    const again = await isReady();
    assert.equal(again.status?.powerSnapshot, undefined);
    await eventually(
      'the node is ready again',
      async () => {
        const [node] = (await inner.list<Node>(NODES, {}, signal)).items;
        assert.ok(
          node?.status?.conditions?.some(
            ({ type, status }) => type === 'Ready' && status === 'True',
          ),
        );
      },
      PATIENCE_MS,
    );

    await client.delete(CLUSTERS, 'default', 'own', {}, signal);
    await eventually(
      'the cluster is gone',
      async () => {
        const left = await cluster().catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
        assert.equal(left, undefined, JSON.stringify(left?.status));
      },
      PATIENCE_MS,
    );
    assert.deepEqual(readdirSync(state), []);
  },
);
