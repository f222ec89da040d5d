// Service account tokens in projected volumes: asked of the real server by real agents, as nodes may, and read by what runs there.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startAgent } from '#controllers/agent/start.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { NODES, PODS, SERVICE_ACCOUNTS, TOKEN_REVIEWS } from '#controllers/machinery/resources.ts';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';

interface TokenReview extends ApiObject {
  readonly status: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly user?: {
      readonly username?: string;
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

interface Runtime {
  readonly name: 'process' | 'docker';
  readonly environment: Readonly<Record<string, string>>;
}

const missing = await missingForEngine();

test('a process finds a token of its account, for its audience and its Pod', (t) =>
  checkToken(t, { name: 'process', environment: { PATH: process.env['PATH'] ?? '' } }));

test('a container finds one too', needs(missing), async (t) => {
  const engine = await startEngine();
  t.after(() => engine.close());
  await checkToken(t, { name: 'docker', environment: { DOCKER_HOST: engine.host } });
});

async function checkToken(t: TestContext, runtime: Runtime): Promise<void> {
  const plane = await TestControlPlane.start(t);
  const { client, signal } = plane;
  const dataDir = join(tempDir(), 'm1');
  await mkdir(dataDir);
  const agent = await startAgent(
    {
      kubeconfig: await plane.nodeKubeconfig('m1'),
      nodeName: 'm1',
      windlassVersion: '0.0.0',
      dataDir,
      clusterDomain: 'internal',
      runtime: runtime.name,
      logger: silentLogger,
      clock: systemClock,
      metrics: new MetricsRegistry(),
      environment: runtime.environment,
    },
    signal,
  );
  t.after(() => agent.close({ stopContainers: true }));
  await eventually('the Node is there', () => client.get(NODES, '', 'm1', signal));
  await client.create(SERVICE_ACCOUNTS, 'default', { metadata: { name: 'robot' } }, signal);
  const volumeMounts = [{ name: 'api', mountPath: '/tokens', readOnly: true }];
  const command = ['sh', '-c', 'cat tokens/token && echo && exec sleep 600'];
  const image = TEST_IMAGE;
  const serviceAccountToken = { path: 'token', audience: 'vault', expirationSeconds: 600 };
  const spec = {
    nodeName: 'm1',
    serviceAccountName: 'robot',
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'c', image, imagePullPolicy: 'Never', command, volumeMounts }],
    volumes: [{ name: 'api', projected: { sources: [{ serviceAccountToken }] } }],
  };
  const pod = await client.create<ApiObject>(
    PODS,
    'default',
    { metadata: { name: 'reader' }, spec },
    signal,
  );
  const token = await eventually('it has read a token', async () => {
    const text = await client.getText('/api/v1/namespaces/default/pods/reader/log', signal);
    assert.match(text, /^\S+\.\S+\.\S+\n$/);
    return text.trim();
  });
  const review = async (): Promise<TokenReview['status']> => {
    const asked = { metadata: {}, spec: { token, audiences: ['vault'] } };
    return (await client.create<TokenReview>(TOKEN_REVIEWS, '', asked, signal)).status;
  };
  const { authenticated, audiences, user } = await review();
  assert.deepEqual([authenticated, audiences], [true, ['vault']]);
  assert.equal(user?.username, 'system:serviceaccount:default:robot');
  assert.deepEqual(user.extra?.['authentication.kubernetes.io/pod-uid'], [pod.metadata.uid]);
  // It ends with its Pod.
  await client.delete(PODS, 'default', 'reader', {}, signal);
  await eventually('the token is worth nothing', async () =>
    assert.notEqual((await review()).authenticated, true),
  );
}
