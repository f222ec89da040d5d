import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runtimeConformance } from './conformance.ts';
import { missingForEngine, startEngine, TEST_IMAGE } from './docker-engine.test-support.ts';
import { openDocker } from './docker-runtime-fixture.ts';
import type { DockerRuntime } from './docker.ts';

test('docker runtime says what is missing where no Engine answers', async () => {
  await assert.rejects(
    openDocker('unix:///nonexistent/docker.sock', 'test'),
    /Cannot reach a Docker Engine at unix:.*--runtime process/,
  );
});

const missing = await missingForEngine();
if (missing !== undefined) {
  test(
    'docker runtime conformance',
    { skip: process.env['CI'] === 'true' ? false : missing },
    () => {
      assert.fail(`no Docker Engine can be started here: ${missing}`);
    },
  );
} else {
  const engine = await startEngine();
  after(() => engine.close());

  runtimeConformance({
    test,
    name: 'docker',
    image: TEST_IMAGE,
    async open() {
      const runtime = await openDocker(engine.host, 'test');
      const reopen = async (): Promise<DockerRuntime> => {
        await runtime[Symbol.asyncDispose]();
        return openDocker(engine.host, 'test');
      };
      return { runtime, reopen };
    },
  });
}
