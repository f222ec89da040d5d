// No failed request of 20,000, sent at 200 a second through the ingress while a service is rolled out three times: on both runtimes,
// whose instances end the moment they are told to, so that all the care is the ingress's.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { missingForEngine, startEngine } from '#controllers/runtimes/docker-engine.test-support.ts';
import { abruptService } from '../support/abrupt-service.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { importNodeImage } from '../support/node-image.ts';
import { RateLoad } from '../support/rate-load.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';
import type { WindlassOptions } from '../support/windlass.ts';

const missingEngine = await missingForEngine();
const REQUESTS = 20_000;
const PER_SECOND = 200;
const ROLLOUT_LIMIT_MS = 120_000;
/** Of one test, which takes two minutes where nothing else happens. */
const timeout = 400_000;

async function threeRollouts(t: TestContext, options: WindlassOptions): Promise<void> {
  const windlass = await startWindlass(t, options);
  const kubectl = new Kubectl(windlass.kubeconfig, options.dataDir);
  const port = await freePort();
  const apply = (version: string): Promise<unknown> =>
    kubectl.apply(
      abruptService({
        name: 'web',
        version,
        replicas: 3,
        ingress: [`{port: ${port}, targetPort: http, protocol: HTTP}`],
      }),
    );
  const isRolledOut = (revision: number): Promise<void> =>
    eventually(
      `revision ${revision} is rolled out`,
      async () => {
        const format =
          '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
        const found = await kubectl.ok(['get', 'wsvc', 'web', '-o', `jsonpath=${format}`]);
        assert.equal(found, `${revision} 3 3 3`);
      },
      ROLLOUT_LIMIT_MS,
    );
  await apply('v0');
  await isRolledOut(1);
  const load = new RateLoad({
    origin: `http://127.0.0.1:${port}`,
    perSecond: PER_SECOND,
    atLeast: REQUESTS,
  });
  t.after(() => load.stop());
  for (const rollout of [1, 2, 3]) {
    // Spread over the whole load, some seconds of quiet between them.
    await eventually(
      `traffic before rollout ${rollout}`,
      () => assert.ok(load.sent >= (rollout - 0.8) * (REQUESTS / 3)),
      ROLLOUT_LIMIT_MS,
    );
    await apply(`v${rollout}`);
    await isRolledOut(rollout + 1);
  }
  const { sent, answered, failures, slowAnswered, seconds, bodies, latencyMs } =
    await load.finish();
  t.diagnostic(
    `${sent} sent in ${seconds.toFixed(1)} s, ${answered} answered, ${slowAnswered} of them after 5 s; the others p50 ${latencyMs.p50.toFixed(1)} ms, p99 ${latencyMs.p99.toFixed(1)} ms, max ${latencyMs.max.toFixed(1)} ms`,
  );
  assert.deepEqual(failures.slice(0, 20), []);
  assert.equal(answered, sent);
  assert.ok(sent >= REQUESTS && slowAnswered >= 400, `${sent} sent, ${slowAnswered} slow`);
  assert.deepEqual(Object.keys(bodies).toSorted(), ['v0', 'v1', 'v2', 'v3']);
}

const TITLE = '0 of 20,000 requests fail over three rollouts';

// One after the other: beside the tests of another file, both at a time are more than two processors can do in time for the probes.
test(`${TITLE}, with processes`, { ...needs(missingKubectl()), timeout }, async (t) => {
  await threeRollouts(t, { dataDir: join(tempDir(), 'data') });
});

const needed = needs(missingKubectl() ?? missingEngine);
test(`${TITLE}, with containers`, { ...needed, timeout }, async (t) => {
  const folder = tempDir();
  const engine = await startEngine();
  t.after(() => engine.close());
  importNodeImage(engine.host, 'node:26-slim', folder);
  await threeRollouts(t, {
    dataDir: join(folder, 'data'),
    args: ['--runtime', 'docker'],
    env: { DOCKER_HOST: engine.host },
  });
});
