import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Docker from 'dockerode';
import { systemClock } from '#platform/clock.ts';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { needs } from '#test/support/missing-part.ts';
import { throwFailures } from '../each-node.ts';
import { NotOwned, ProviderUnavailable } from '../errors.ts';
import { resourceLabels } from '../label-scheme.ts';
import { LabelledProvider } from '../labelled-provider.ts';
import type { NodeRequest } from '../provider.ts';
import { providerConformance } from '../provider-conformance.ts';
import { DockerDriver, networkName } from './docker-driver.ts';

const signal = AbortSignal.timeout(600_000);

function open(
  host: string,
  adoptedClusters: readonly string[] = [],
  labelScheme = 'windlass',
): LabelledProvider {
  const settings = { image: TEST_IMAGE, pullPolicy: 'Never', stopGraceSeconds: '0' };
  return new LabelledProvider({
    driver: new DockerDriver({ endpoint: host, settings, clock: systemClock }),
    clock: systemClock,
    limits: { parallel: 4, nodeTimeoutMs: 120_000 },
    labelScheme,
    adoptedClusters,
  });
}

test('docker: without an Engine every call says ProviderUnavailable, and where it was looked for', async () => {
  const provider = open('unix:///nonexistent/docker.sock');
  await assert.rejects(provider.listAllNodes(signal), (error: unknown) => {
    assert.ok(error instanceof ProviderUnavailable);
    assert.match(error.message, /\/nonexistent\/docker\.sock/);
    return true;
  });
  await assert.rejects(provider.checkCredentials(signal), ProviderUnavailable);
});

const missing = await missingForEngine();
if (missing !== undefined) {
  test('docker: conformance', needs(missing), () => assert.fail(missing));
} else {
  const engine = await startEngine({ index: 7 });
  after(() => engine.close());
  const docker = new Docker({ socketPath: new URL(engine.host).pathname });
  // Ends at a signal at once, and only then.
  const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1; done'];
  const clusterOf = (name: string): { name: string; uid: string } => ({
    name,
    uid: `uid-${name}-1`,
  });
  const request = (name: string, change: Partial<NodeRequest> = {}): NodeRequest => ({
    name,
    machineUID: `machine-${name}`,
    pool: 'main',
    role: 'worker',
    command,
    ...change,
  });
  const plant = async (name: string, labels: Readonly<Record<string, string>>): Promise<void> => {
    const container = await docker.createContainer({
      name,
      Image: TEST_IMAGE,
      Cmd: command,
      Labels: { ...labels },
    });
    await container.start();
  };

  providerConformance({
    test,
    name: 'docker',
    open: () =>
      Promise.resolve({
        provider: open(engine.host),
        request: { command },
        reopen: () => Promise.resolve(open(engine.host)),
        plant,
        isThere: async (name) => (await docker.getContainer(name).inspect()).State.Running,
      }),
  });

  test('docker: a node has its network, volume and port; a delete takes all of ours [ksail-087]', async () => {
    const provider = open(engine.host);
    const cluster = clusterOf('whole');
    const node = request('whole-1', {
      volumes: [{ name: 'data', path: '/data' }],
      ports: [{ containerPort: 6443 }],
      environment: { WHO: 'node' },
    });
    throwFailures('create', await provider.createNodes(cluster, [node], signal));
    const info = await docker.getContainer('whole-1').inspect();
    assert.deepEqual(Object.keys(info.NetworkSettings.Networks), [networkName(cluster)]);
    assert.equal(info.Mounts[0]?.Name, 'whole-1-data');
    assert.equal(info.NetworkSettings.Ports['6443/tcp']?.[0]?.HostIp, '127.0.0.1');
    assert.ok(info.Config.Env.includes('WHO=node'));
    const results = await provider.deleteNodes(cluster, signal);
    assert.deepEqual(
      results.map(({ kind, outcome }) => `${kind} ${outcome}`),
      ['node done', 'network done'],
    );
    await assert.rejects(docker.getVolume('whole-1-data').inspect(), { statusCode: 404 });
    const left = await docker.listNetworks();
    assert.ok(!left.some(({ Name }) => Name === networkName(cluster)));
  });

  test('docker: a network of the same name that is not ours is neither used nor deleted [ksail-081]', async () => {
    const provider = open(engine.host);
    const cluster = clusterOf('taken');
    const foreign = await docker.createNetwork({ Name: networkName(cluster) });
    await assert.rejects(provider.createNodes(cluster, [request('taken-1')], signal), NotOwned);
    assert.deepEqual(await provider.deleteNodes(cluster, signal), []);
    await foreign.inspect();
    await foreign.remove();
    const volume = await docker.createVolume({ Name: 'taken-2-data' });
    const [result] = await provider.createNodes(
      cluster,
      [request('taken-2', { volumes: [{ name: 'data', path: '/data' }] })],
      signal,
    );
    assert.ok(result?.error instanceof NotOwned, String(result?.error));
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
    assert.equal((await docker.getVolume('taken-2-data').inspect()).Name, volume.name);
  });

  test('docker: one that was made and not started is started by the next create', async () => {
    const provider = open(engine.host);
    const cluster = clusterOf('half');
    throwFailures('create', await provider.createNodes(cluster, [request('half-1')], signal));
    const { Config } = await docker.getContainer('half-1').inspect();
    await docker.getContainer('half-1').remove({ force: true });
    await docker.createContainer({
      name: 'half-1',
      Image: TEST_IMAGE,
      Cmd: command,
      Labels: Config.Labels,
    });
    const results = await provider.createNodes(cluster, [request('half-1')], signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['done'],
    );
    assert.equal((await provider.getClusterStatus(cluster, signal))?.phase, 'running');
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
  });

  test('docker: an image that is not there is told at once, and nothing is made', async () => {
    const provider = open(engine.host);
    const cluster = clusterOf('noimage');
    const node = request('noimage-1', { image: 'windlass-test:absent' });
    await assert.rejects(provider.createNodes(cluster, [node], signal), /windlass-test:absent/);
    assert.deepEqual(await provider.listNodes(cluster, signal), []);
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
  });

  test('docker: a cluster of kind is listed, and deleted only after it was adopted', async () => {
    const labels = { 'io.x-k8s.kind.cluster': 'foreign', 'io.x-k8s.kind.role': 'worker' };
    await plant('foreign-worker', labels);
    const stranger = open(engine.host, [], 'kind');
    assert.deepEqual(await stranger.listAllClusters(signal), ['foreign']);
    await assert.rejects(stranger.deleteNodes('foreign', signal), NotOwned);
    await docker.getContainer('foreign-worker').inspect();
    const owner = open(engine.host, ['foreign'], 'kind');
    throwFailures('stop', await owner.stopNodes('foreign', signal));
    throwFailures('delete', await owner.deleteNodes('foreign', signal));
    assert.deepEqual(await owner.listAllClusters(signal), []);
  });

  test('docker: what a crash left of a cluster without nodes goes with its delete', async () => {
    const provider = open(engine.host);
    const cluster = clusterOf('rest');
    await docker.createNetwork({
      Name: networkName(cluster),
      Labels: { ...resourceLabels(cluster, 'network') },
    });
    const results = await provider.deleteNodes(cluster, signal);
    assert.deepEqual(
      results.map(({ kind, outcome }) => `${kind} ${outcome}`),
      ['network done'],
    );
  });
}
