// Images that no container uses are removed as the flags of the agent say: a real Engine, a real registry, a Pod that comes and goes.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { outputOf } from '../support/command.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import { eventually } from '../support/eventually.ts';
import { Kubectl, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWindlass } from '../support/windlass.ts';

const missing = missingKubectl() ?? (await missingForEngine()) ?? (await missingForRegistry());

test(
  'an image that was pulled and is not used any more stays by default, and goes when the flags say so; those of others stay',
  needs(missing),
  async (t) => {
    const folder = tempDir();
    const engine = await startEngine();
    t.after(() => engine.close());
    const registry = await startRegistry();
    t.after(() => registry.close());
    const docker = (...args: readonly string[]): Promise<string> =>
      outputOf('docker', ['-H', engine.host, ...args]);
    const image = `${registry.address}/acme/once:1`;
    // Bytes of its own: the test image itself must be another one.
    const made = (await docker('create', TEST_IMAGE, 'true')).trim();
    await docker('commit', made, image);
    await docker('rm', made);
    await docker('push', '-q', image);
    await docker('rmi', image);
    const start = (...flags: readonly string[]): ReturnType<typeof startWindlass> =>
      startWindlass(t, {
        dataDir: join(folder, 'data'),
        args: ['--runtime', 'docker', ...flags],
        env: { DOCKER_HOST: engine.host },
      });
    const images = (): Promise<string> => docker('images', '--format', '{{.Repository}}:{{.Tag}}');

    const first = await start();
    const kubectl = new Kubectl(first.kubeconfig, folder);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'once' },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image, command: ['true'] }] },
    };
    await eventually('it is taken', () => kubectl.apply(JSON.stringify(pod)));
    const done = '--for=jsonpath={.status.phase}=Succeeded';
    await kubectl.ok(['wait', done, 'pod/once', '--timeout=120s']);
    await kubectl.ok(['delete', 'pod', 'once', '--timeout=120s']);
    assert.equal(await first.interrupt(), 0);
    assert.match(await images(), new RegExp(image));

    // An agent looks at the disk when it starts; any disk has this much on it.
    const flags = ['--image-gc-high-threshold=1', '--image-gc-low-threshold=0'];
    const second = await start(...flags, '--image-minimum-age=0s');
    await eventually('it is removed', async () =>
      assert.doesNotMatch(await images(), new RegExp(image)),
    );
    assert.match(await images(), new RegExp(TEST_IMAGE));
    assert.equal(await second.interrupt(), 0);
  },
);
