// A cluster whose nodes are containers of a real Docker Engine: made, stopped, started exactly as it was, removed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Cluster } from '#controllers/cluster/types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { CLUSTERS, INFRA_PROVIDERS, MACHINES } from '#controllers/machinery/resources.ts';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { ensureMachineKind } from '../support/machine-kind.ts';
import { needs } from '../support/missing-part.ts';

const PATIENCE_MS = 120_000;
const run = promisify(execFile);

test(
  'a cluster of Docker nodes is made, stopped, started exactly as it was, and removed',
  { ...needs(await missingForEngine()), timeout: 500_000 },
  async (t) => {
    const engine = await startEngine({ index: 9 });
    t.after(() => engine.close());
    const plane = await TestControlPlane.start(t);
    const { client, signal } = plane;
    await ensureMachineKind(client, signal);
    const stop = await plane.controllers(['cluster']);
    t.after(stop);
    const settings = { image: TEST_IMAGE, pullPolicy: 'Never', stopGraceSeconds: '1' };
    const provider = { type: 'Docker', endpoint: engine.host, settings };
    const docker = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await run('docker', ['-H', engine.host, ...args]);
      return stdout
        .split('\n')
        .filter(Boolean)
        .toSorted((a, b) => (a < b ? -1 : 1));
    };
    const containers = (...filter: readonly string[]): Promise<readonly string[]> =>
      docker('ps', '--format', '{{.Names}}', ...filter);
    // Somebody else's, of a name that begins the same: it must see nothing of all this.
    await docker('run', '-d', '--name', 'own-cp-00', TEST_IMAGE, 'sleep', '3600');
    await client.create(
      INFRA_PROVIDERS,
      'default',
      { metadata: { name: 'docker' }, spec: provider },
      signal,
    );
    const spec = {
      distribution: 'Windlass',
      version: '1.0.0',
      providerRef: { name: 'docker' },
      pools: [
        { name: 'cp', role: 'controller', replicas: 1 },
        { name: 'w', role: 'worker', replicas: 2 },
      ],
      distributionOptions: { configuration: { command: ['sleep', '3600'] } },
    };
    await client.create(CLUSTERS, 'default', { metadata: { name: 'own' }, spec }, signal);
    const cluster = (): Promise<Cluster> => client.get<Cluster>(CLUSTERS, 'default', 'own', signal);
    const change = (changed: object): Promise<Cluster> =>
      client.patch<Cluster>(CLUSTERS, 'default', 'own', '', 'merge', { spec: changed }, signal);
    const has = (what: string, phase: string, ready: number): Promise<Cluster> =>
      eventually(
        what,
        async () => {
          const now = await cluster();
          const { status } = now;
          const seen = [
            status?.observedGeneration,
            status?.phase,
            status?.nodesReady,
            status?.plan?.length,
          ];
          assert.deepEqual(
            seen,
            [now.metadata.generation, phase, ready, 0],
            JSON.stringify(status),
          );
          return now;
        },
        PATIENCE_MS,
      );

    await has('the cluster runs', 'running', 3);
    const all = ['own-cp-0', 'own-w-0', 'own-w-1'];
    assert.deepEqual(await containers(), ['own-cp-0', 'own-cp-00', 'own-w-0', 'own-w-1']);

    await client.patch(
      MACHINES,
      'default',
      'own-w-1',
      '',
      'merge',
      { spec: { powerState: 'Stopped' } },
      signal,
    );
    await has('one was stopped by itself', 'degraded', 2);
    await change({ powerState: 'Stopped' });
    const stopped = await has('the cluster is stopped', 'stopped', 0);
    assert.deepEqual(stopped.status?.powerSnapshot?.machines, ['own-cp-0', 'own-w-0']);
    assert.deepEqual(await containers(), ['own-cp-00']);
    assert.deepEqual(await containers('-a', '--filter', 'label=windlass.dev/cluster=own'), all);

    await change({ powerState: 'Running' });
    await eventually(
      'what ran runs again, and only that',
      async () => {
        const { status } = await cluster();
        assert.equal(status?.powerSnapshot, undefined);
        assert.deepEqual([status?.phase, status?.nodesReady], ['degraded', 2]);
        assert.deepEqual(await containers(), ['own-cp-0', 'own-cp-00', 'own-w-0']);
      },
      PATIENCE_MS,
    );

    await client.delete(CLUSTERS, 'default', 'own', {}, signal);
    await eventually(
      'the cluster is gone',
      () =>
        cluster().then(
          ({ status }) => assert.fail(JSON.stringify(status)),
          (error: unknown) => {
            if (!isNotFound(error)) throw error;
          },
        ),
      PATIENCE_MS,
    );
    assert.deepEqual(await containers('-a'), ['own-cp-00']);
  },
);
