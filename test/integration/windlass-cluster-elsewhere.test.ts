// A cluster of our own on machines of their own: nobody hands anything over, its worker joins by itself, its API is reached from here.
// The programs are real; the Docker Engine that runs them is played, the real one is in docker-cluster.test.ts.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { clusterAuthorities } from '#cli/cluster-authorities.ts';
import type { Cluster, Machine } from '#controllers/cluster/types.ts';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { isConditionTrue } from '#controllers/machinery/conditions.ts';
import {
  CLUSTERS,
  INFRA_PROVIDERS,
  MACHINES,
  NODES,
  SECRETS,
} from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-ports.ts';
import { needs } from '../support/missing-part.ts';
import { missingForPlayedEngine, PlayedEngine } from '../support/played-engine.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

/** Servers start, on a machine that does other things too. */
const PATIENCE_MS = 300_000;

interface JoinSecret extends ApiObject {
  readonly data: Readonly<Record<string, string>>;
}

interface Node extends ApiObject {
  readonly status?: { readonly conditions?: Parameters<typeof isConditionTrue>[0] };
}

test(
  'a worker on a machine of its own joins the controller of its cluster by itself',
  { ...needs(missingForPlayedEngine()), timeout: 900_000 },
  async (t) => {
    const engine = await PlayedEngine.start(t, tempDir());
    const plane = await TestControlPlane.start(t);
    const { client, signal } = plane;
    let stop = await plane.controllers(['cluster']);
    t.after(() => stop());
    /** Whoever begins looks at everything. */
    const beginAnew = async (): Promise<void> => {
      await stop();
      stop = await plane.controllers(['cluster']);
    };
    const settings = { image: 'played', pullPolicy: 'Never' };
    const provider = { type: 'Docker', endpoint: engine.host, settings };
    const made = { metadata: { name: 'docker' }, spec: provider };
    await client.create(INFRA_PROVIDERS, 'default', made, signal);
    const port = await freePorts(1);
    const program = [process.execPath, join(projectRoot, 'cli', 'main.ts')];
    const spec = {
      distribution: 'Windlass',
      providerRef: { name: 'docker' },
      pools: [
        { name: 'cp', role: 'controller', replicas: 1 },
        { name: 'w', role: 'worker', replicas: 1 },
      ],
      distributionOptions: { configuration: { program, port } },
    };
    await client.create(CLUSTERS, 'default', { metadata: { name: 'own' }, spec }, signal);
    const machines = async (): Promise<readonly Machine[]> =>
      (await client.list<Machine>(MACHINES, {}, signal)).items;
    const cluster = await eventually(
      'the cluster is ready',
      async () => {
        const now = await client.get<Cluster>(CLUSTERS, 'default', 'own', signal);
        const states = (await machines()).map(({ status }) => [status?.steps, status?.conditions]);
        const shown = JSON.stringify([now.status, states]);
        assert.ok(isConditionTrue(now.status?.conditions, 'Ready'), shown);
        return now;
      },
      PATIENCE_MS,
    );
    assert.equal(cluster.status?.endpoint, `https://127.0.0.1:${port}`);
    assert.deepEqual(engine.containers, ['own-cp-0', 'own-w-0']);
    // What runs says itself which version it is, so both were asked.
    const [controller, worker] = await machines();
    assert.match(controller?.status?.runningVersion ?? '', /^\d+\.\d+\.\d+/);
    assert.equal(worker?.status?.runningVersion, controller?.status?.runningVersion);
    assert.equal(
      worker?.metadata.annotations?.['windlass.dev/joined-at'],
      `https://own-cp-0:${port}`,
    );

    const secret = (): Promise<JoinSecret> =>
      client.get<JoinSecret>(SECRETS, 'default', 'own-join', signal);
    const kept = await secret();
    const text = (key: string): string => Buffer.from(kept.data[key] ?? '', 'base64').toString();
    const authority = { certificate: text('ca.crt'), privateKey: text('ca.key') };
    const admin = await clusterAuthorities(systemClock).newAdmin(authority);
    await using inner = new HttpClient({
      connection: {
        server: new URL(`https://127.0.0.1:${port}`),
        tls: { ca: authority.certificate, cert: admin.certificate, key: admin.privateKey },
        headers: () => Promise.resolve({}),
      },
      clock: systemClock,
      metrics: new MetricsRegistry(),
      userAgent: 'windlass-test',
      random: Math.random,
    });
    const nodes = async (): Promise<unknown> => {
      const { items } = await inner.list<Node>(NODES, {}, signal);
      return items.map(({ metadata, status }) => [
        metadata.name,
        isConditionTrue(status?.conditions, 'Ready'),
      ]);
    };
    assert.deepEqual(await nodes(), [['own-w-0', true]]);
    // Secrets of it are in the environment of its nodes, and nowhere that others may read.
    const [, hidden = ''] = text('token').split('.');
    assert.ok(hidden.length > 10);
    const seen = JSON.stringify([
      cluster,
      await machines(),
      engine.containers.map((name) => engine.commandOf(name)),
    ]);
    for (const one of [hidden, authority.privateKey.slice(60, 90)]) assert.ok(!seen.includes(one));
    assert.ok(readdirSync(join(engine.lib('own-w-0'), 'windlass')).length > 0);

    // It changes its authority, which is followed; then its controller is lost with all it had, and made again under its name.
    await inner.postBytes('/windlass/v1/certificates/rotate-authority', new Uint8Array(), signal);
    await beginAnew();
    await eventually(
      'the new authority is followed',
      async () => assert.ok('authorities.crt' in (await secret()).data),
      PATIENCE_MS,
    );
    await engine.remove('own-cp-0');
    await beginAnew();
    await eventually(
      'the worker works for the one that was made again',
      async () => assert.deepEqual(await nodes(), [['own-w-0', true]]),
      PATIENCE_MS,
    );
    assert.deepEqual((await secret()).data, kept.data);

    await client.delete(CLUSTERS, 'default', 'own', {}, signal);
    await eventually(
      'the cluster is gone',
      async () => assert.deepEqual((await client.list(CLUSTERS, {}, signal)).items, []),
      PATIENCE_MS,
    );
    assert.deepEqual([engine.containers, engine.networks], [[], 0]);
  },
);
