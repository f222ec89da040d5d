// Instances that fail their liveness probe while they are under load: they leave the ingress before they are killed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abruptService } from '../support/abrupt-service.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { RateLoad } from '../support/rate-load.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

const ROUNDS = 3;

test(
  'no request fails while instances are killed for their liveness probe',
  needs(missingKubectl()),
  async (t) => {
    const dataDir = `${tempDir()}/data`;
    const windlass = await startWindlass(t, { dataDir });
    const kubectl = new Kubectl(windlass.kubeconfig, dataDir);
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const replicas = 3;
    await kubectl.apply(
      abruptService({
        name: 'web',
        version: 'v1',
        replicas,
        // Over HTTP the proxy repeats what an instance leaves unanswered, and nobody notices.
        ingress: [`{port: ${port}, targetPort: http}`],
        livenessProbe:
          // The long timeout: a busy machine must not fail the probe of one that is well.
          '{httpGet: {path: /live, port: http}, periodSeconds: 1, timeoutSeconds: 20, failureThreshold: 1, initialDelaySeconds: 3}',
      }),
    );
    const counts = (): Promise<string> =>
      kubectl.ok([
        'get',
        'pods',
        '-l',
        'windlass.dev/service=web',
        '-o',
        'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
      ]);
    const isRestarted = (times: number): Promise<void> =>
      eventually(
        `${times} restarts, and all ready`,
        async () => {
          const all = (await counts()).split(' ').map(Number);
          assert.equal(all.length, replicas);
          assert.equal(
            all.reduce((sum, count) => sum + count, 0),
            times,
          );
          const ready = '-o=jsonpath={.status.readyReplicas}';
          assert.equal(await kubectl.ok(['get', 'wsvc', 'web', ready]), String(replicas));
        },
        60_000,
      );
    await isRestarted(0);
    const load = new RateLoad({ origin, perSecond: 100, atLeast: 1_500 });
    t.after(() => load.stop());
    for (let round = 1; round <= ROUNDS; round += 1) {
      // Whoever gets this one fails its probe from then on, and goes on answering.
      assert.equal((await httpGet(`${origin}/sicken`)).status, 200);
      await isRestarted(round);
    }
    const result = await load.finish();
    assert.deepEqual(result.failures.slice(0, 20), []);
    assert.equal(result.answered, result.sent);
    const events = await kubectl.ok(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
    assert.match(events, /Container main failed liveness probe, will be restarted/);
  },
);
