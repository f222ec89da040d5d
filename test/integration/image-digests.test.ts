// Digests of a real registry, of a real Engine that pulled from it, and of the Node that reports them: all one.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent } from '#controllers/agent/start.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { ImageAnswer, PullPolicy } from '#controllers/machinery/digest-resolver.ts';
import { nodeImagesOf } from '#controllers/machinery/image-holders.ts';
import type { NodeWithImages } from '#controllers/machinery/image-holders.ts';
import { NODES } from '#controllers/machinery/resources.ts';
import { RegistryDigestResolver } from '#controllers/registry/digest-resolver.ts';
import {
  missingForEngine,
  startEngine,
  TEST_IMAGE,
} from '#controllers/runtimes/docker-engine.test-support.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { outputOf } from '../support/command.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';

const missing = (await missingForEngine()) ?? (await missingForRegistry());

test(
  'a tag is pinned to the digest that registry, Engine and Node agree on',
  needs(missing),
  async (t) => {
    const registry = await startRegistry();
    t.after(() => registry.close());
    const engine = await startEngine();
    t.after(() => engine.close());
    const docker = (...args: readonly string[]): Promise<string> =>
      outputOf('docker', ['-H', engine.host, ...args]);
    const image = `${registry.address}/acme/app:1`;
    await docker('tag', TEST_IMAGE, image);
    await docker('push', image);
    const digest = (await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', image))
      .trim()
      .split('@')[1];

    const plane = await TestControlPlane.start(t);
    const dataDir = join(tempDir(), 'm1');
    await mkdir(dataDir);
    const agent = await startAgent(
      {
        kubeconfig: await plane.nodeKubeconfig('m1'),
        nodeName: 'm1',
        windlassVersion: '0.0.0',
        dataDir,
        clusterDomain: 'internal',
        runtime: 'docker',
        logger: silentLogger,
        clock: systemClock,
        metrics: new MetricsRegistry(),
        environment: { DOCKER_HOST: engine.host },
      },
      plane.signal,
    );
    t.after(() => agent.close({ stopContainers: true }));
    const resolver = new RegistryDigestResolver({
      client: plane.client,
      clock: systemClock,
      logger: silentLogger,
      dockerFolder: undefined,
      environment: {},
      userAgent: 'windlass-test',
    });
    t.after(() => resolver[Symbol.asyncDispose]());
    const resolve = async (asked: string, policy: PullPolicy): Promise<ImageAnswer | undefined> => {
      const { items } = await plane.client.list<ApiObject & NodeWithImages>(
        NODES,
        {},
        plane.signal,
      );
      const questions = {
        images: [{ image: asked, policy }],
        namespace: 'default',
        pullSecrets: ['none'],
      };
      return (
        await resolver.resolve({ ...questions, nodes: items.map(nodeImagesOf) }, plane.signal)
      )[0];
    };

    for (const policy of ['Always', 'IfNotPresent', 'Never'] as const)
      assert.equal((await resolve(image, policy))?.digest, digest, policy);
    assert.match((await resolve(image, 'Never'))?.reason ?? '', /machine m1 has it/);
    // Gone from the machine, the registry is asked; the Node says so within a beat.
    await docker('rmi', image);
    await eventually('the Node has it no more', async () => {
      assert.equal((await resolve(image, 'Never'))?.isMissing, true);
    });
    assert.match((await resolve(image, 'IfNotPresent'))?.reason ?? '', /its registry says so/);
  },
);
