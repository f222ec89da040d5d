import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { runtimeConformance } from './conformance.ts';
import { missingForEngine, startEngine, TEST_IMAGE } from './docker-engine.test-support.ts';
import { DockerRuntime } from './docker.ts';
import { StartError } from './runtime.ts';

const signal = new AbortController().signal;

async function open(host: string, owner = 'test'): Promise<DockerRuntime> {
  const runtime = new DockerRuntime({ owner, host, clock: systemClock, logger: silentLogger });
  await runtime.start(signal);
  return runtime;
}

test('docker runtime says what is missing where no Engine answers', async () => {
  await assert.rejects(
    open('unix:///nonexistent/docker.sock'),
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
      const runtime = await open(engine.host);
      const reopen = async (): Promise<DockerRuntime> => {
        await runtime[Symbol.asyncDispose]();
        return open(engine.host);
      };
      return { runtime, reopen };
    },
  });

  test('docker runtime names the image it cannot pull', async () => {
    const runtime = await open(engine.host);
    const image = '127.0.0.1:1/none/such:1';
    await assert.rejects(
      runtime.run(
        {
          identity: {
            namespace: 'default',
            pod: 'web',
            podUID: 'u2',
            container: 'main',
            attempt: 0,
          },
          image,
          command: [],
          args: [],
          env: {},
          ports: [],
          mounts: [],
          imagePullPolicy: 'IfNotPresent',
          podDirectory: '/nonexistent',
          logFile: '/nonexistent',
        },
        signal,
      ),
      (error) => {
        assert.ok(error instanceof StartError);
        assert.equal(error.reason, 'ErrImagePull');
        assert.ok(error.message.includes(image));
        return true;
      },
    );
    await runtime[Symbol.asyncDispose]();
  });
}
