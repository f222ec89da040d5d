// The example in containers, on a real Docker Engine of the test's own.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingForEngine, startEngine } from '#controllers/runtimes/docker-engine.test-support.ts';
import { outputOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { helloManifest } from '../support/hello.ts';
import { httpGet } from '../support/http-poller.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { importNodeImage } from '../support/node-image.ts';
import { tempDir } from '../support/temp-dir.ts';
import { Traffic } from '../support/traffic.ts';
import { startWindlass } from '../support/windlass.ts';

const missing = (await missingForEngine()) ?? missingKubectl();

test(
  'npm start -- --runtime docker rolls out, updates and scales without a failed request, stops, and comes back after kill -9 too',
  needs(missing),
  async (t) => {
    const folder = tempDir();
    const dataDir = join(folder, 'data');
    const engine = await startEngine();
    t.after(() => engine.close());
    importNodeImage(engine.host, 'node:26-slim', folder);
    const containers = async (...flags: readonly string[]): Promise<readonly string[]> =>
      (await outputOf('docker', ['-H', engine.host, 'ps', '-q', ...flags]))
        .split('\n')
        .filter(Boolean);
    // Beside what holds the networks of the Pods.
    const ofPods = '--filter=label=windlass.dev/container';
    const options = {
      dataDir,
      args: ['--runtime', 'docker'],
      env: { DOCKER_HOST: engine.host },
    };
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const first = await startWindlass(t, options);
    const kubectl = new Kubectl(first.kubeconfig, dataDir);
    const isRolledOut = (revision: number, count = 3): Promise<void> =>
      eventually(
        `revision ${revision} is rolled out`,
        async () => {
          const format =
            '{.status.revision} {.status.updatedReplicas} {.status.readyReplicas} {.status.replicas}';
          const found = await kubectl.ok(['get', 'wsvc', 'hello', '-o', `jsonpath=${format}`]);
          assert.equal(found, `${revision} ${count} ${count} ${count}`);
          assert.equal((await containers(ofPods)).length, count);
          // Those that stop are there a moment longer than their containers.
          const pods = await kubectl.ok(['get', 'pods', '-o', 'name']);
          assert.equal(pods.trim().split('\n').length, count);
        },
        60_000,
      );

    await kubectl.apply(helloManifest({ port }));
    await isRolledOut(1);
    assert.match((await httpGet(url)).body, /^Hello from Windlass \(hello-/);
    assert.equal((await containers(ofPods)).length, 3);
    assert.match(await kubectl.ok(['get', 'nodes', '-o', 'wide']), /docker:\/\//);

    const traffic = new Traffic(port);
    await kubectl.apply(helloManifest({ port, greeting: 'Good evening' }));
    await isRolledOut(2);
    await kubectl.ok(['scale', 'wsvc', 'hello', '--replicas=5']);
    await isRolledOut(2, 5);
    await kubectl.ok(['scale', 'wsvc', 'hello', '--replicas=3']);
    await isRolledOut(2);
    await traffic.stop();
    assert.deepEqual(traffic.failures, []);
    assert.ok(traffic.answered > 100);
    assert.match((await httpGet(url)).body, /^Good evening/);
    const name = await kubectl.ok(['get', 'pods', '-o', 'jsonpath={.items[0].metadata.name}']);
    assert.match(await kubectl.ok(['logs', name]), /listens on 8000/);

    assert.equal(await first.interrupt(), 0);
    assert.deepEqual(await containers(ofPods), []);

    const second = await startWindlass(t, options);
    await eventually('the containers run again, restarted once', async () => {
      const text = await kubectl.ok(['get', 'pods', '--no-headers']);
      assert.equal(text.match(/ 1\/1 +Running +1 /g)?.length, 3, text);
      assert.match((await httpGet(url)).body, /^Good evening/);
    });
    const log = await kubectl.ok(['logs', '--previous', name]);
    assert.match(log, /stopping: finishing what is under way/);

    await kubectl.apply(helloManifest({ port, greeting: 'Good night' }));
    await eventually('the rollout is under way', async () => {
      assert.ok((await containers(ofPods)).length > 3);
    });
    process.kill(second.pid, 'SIGKILL');
    assert.equal(await second.exited(), 137);
    assert.ok((await containers(ofPods)).length >= 3, 'the containers outlive the control plane');

    await startWindlass(t, options);
    await isRolledOut(3);
    assert.match((await httpGet(url)).body, /^Good night/);
    await kubectl.ok(['delete', 'wsvc', 'hello', '--timeout=120s']);
    await eventually('no container is left, running or not', async () => {
      assert.deepEqual(await containers('--all'), []);
    });
  },
);
