// Images of a real registry, with and without a password, on a real Engine. Beside conformance.ts'
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingForRegistry, startRegistry } from '#test/support/docker-registry.ts';
import { TEST_IMAGE } from './docker-engine.test-support.ts';
import { dockerTests } from './docker-runtime-fixture.ts';
import type { DockerTestContext } from './docker-runtime-fixture.ts';
import { PullMeter } from './docker-pull-meter.ts';
import { StartError } from './runtime.ts';
import type { ImageRequest, PreparedImage, RegistryCredentials } from './runtime.ts';
import './conformance.ts';

const { signal } = new AbortController();
const dockerTest = await dockerTests({}, await missingForRegistry());

function prepare(
  { runtime }: DockerTestContext,
  image: string,
  more: Partial<ImageRequest> & { readonly with?: readonly RegistryCredentials[] } = {},
  until = signal,
): Promise<PreparedImage> {
  return runtime.prepareImage(
    {
      image,
      pullPolicy: 'IfNotPresent',
      logins: () => Promise.resolve(more.with ?? []),
      pulling: () => undefined,
      progress: () => undefined,
      ...more,
    },
    until,
  );
}

/** Puts an image there under a name, and takes it away here. @param config folder of the Docker config. @returns its digest */
async function push(
  { docker }: DockerTestContext,
  name: string,
  config = '/nonexistent',
): Promise<string> {
  const container = await docker('create', TEST_IMAGE, 'true');
  await docker('commit', '--message', name, container, name);
  await docker('rm', container);
  await docker('--config', config, 'push', '-q', name);
  const digest = await docker('inspect', '-f', '{{index .RepoDigests 0}}', name);
  await docker('rmi', name);
  return digest.split('@')[1] ?? '';
}

function refusedWith(reason: string, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof StartError, String(error));
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  };
}

dockerTest('pulls by tag and by digest, after the policy', async (context) => {
  const registry = await startRegistry();
  try {
    const name = `${registry.address}/team/app`;
    const digest = await push(context, `${name}:1`);
    const pulled = await prepare(context, `${name}:1`);
    assert.ok(pulled.pulledMs !== undefined && pulled.sizeBytes > 0 && pulled.isNew);
    assert.equal((await prepare(context, `${name}:1`)).pulledMs, undefined);
    assert.equal(
      (await prepare(context, `${name}:1`, { pullPolicy: 'Never' })).imageID,
      pulled.imageID,
    );
    const again = await prepare(context, `${name}:1`, { pullPolicy: 'Always' });
    assert.ok(again.pulledMs !== undefined && !again.isNew);
    for (const pinned of [`${name}@${digest}`, `${name}:1@${digest}`]) {
      await context.docker('rmi', '-f', pulled.imageID).catch(() => undefined);
      const { imageID } = await prepare(context, pinned);
      assert.equal(imageID, pulled.imageID);
      const { id } = await context.run('true', {
        image: pinned,
        identity: context.identity(`c${pinned.length}`),
      });
      assert.match(id, /^docker:/);
    }
    await assert.rejects(
      prepare(context, `${name}:2`),
      refusedWith('ErrImagePull', /Cannot pull image .*:2: .*(unknown|not found)/),
    );
    await assert.rejects(
      prepare(context, `${name}:2`, { pullPolicy: 'Never' }),
      refusedWith('ErrImageNeverPull', /imagePullPolicy is Never/),
    );
  } finally {
    await registry.close();
  }
});

dockerTest('names the image that nobody answers for', async (context) => {
  await assert.rejects(
    prepare(context, '127.0.0.1:1/none/such:1'),
    refusedWith('ErrImagePull', /127\.0\.0\.1:1\/none\/such:1/),
  );
});

dockerTest('tries one login after the other, and shows none', async (context) => {
  const registry = await startRegistry('ann:hidden-word');
  const config = await mkdtemp(join(tmpdir(), 'windlass-docker-config-'));
  const asAnn = ['-u', 'ann', '-p', 'hidden-word'];
  try {
    const image = `${registry.address}/private/app:1`;
    await context.docker('--config', config, 'login', ...asAnn, registry.address);
    await push(context, image, config);
    const login = (password: string): RegistryCredentials => ({
      server: registry.address,
      username: 'ann',
      password,
    });
    await assert.rejects(
      prepare(context, image),
      refusedWith('ErrImagePull', /basic auth|unauthorized/),
    );
    await assert.rejects(prepare(context, image, { with: [login('wrong-word')] }), (error) => {
      refusedWith('ErrImagePull', /unauthorized|denied/)(error);
      assert.ok(!JSON.stringify(error).includes('wrong-word'));
      return true;
    });
    const found = await prepare(context, image, {
      with: [login('wrong-word'), login('hidden-word')],
    });
    assert.ok(found.pulledMs !== undefined);
  } finally {
    await rm(config, { recursive: true });
    await registry.close();
  }
});

dockerTest('gives up a pull when told to', async (context) => {
  // A registry that never answers: a socket that only listens.
  const silent = createServer(() => stop.abort(new Error('told to')));
  const stop = new AbortController();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  const pull = prepare(context, `127.0.0.1:${address.port}/x:1`, {}, stop.signal);
  await assert.rejects(pull, /told to/);
  silent.close();
});

dockerTest('measures how far a pull is', () => {
  const meter = new PullMeter();
  const say = (id: string, status: string, current?: number, total?: number): unknown =>
    meter.take(JSON.stringify({ id, status, progressDetail: { current, total } }));
  say('1', 'Pulling from team/app');
  say('a', 'Pulling fs layer');
  say('b', 'Already exists');
  say('a', 'Downloading', 25, 100);
  assert.deepEqual(meter.progress, { layers: 2, layersDone: 1, bytes: 100, bytesDone: 25 });
  say('a', 'Download complete');
  say('a', 'Extracting', 10, 100);
  say('a', 'Pull complete');
  assert.deepEqual(meter.progress, { layers: 2, layersDone: 2, bytes: 100, bytesDone: 100 });
  assert.equal(meter.take('no JSON'), undefined);
  assert.equal(meter.take('{"error":"denied"}'), 'denied');
  return Promise.resolve();
});

dockerTest(
  'removes images that no container uses, and only under the names it is told',
  async (context) => {
    const { runtime, docker, run } = context;
    const container = await docker('create', TEST_IMAGE, 'true');
    for (const name of ['one', 'two', 'busy'])
      await docker('commit', '-m', name, container, `gc-${name}:1`);
    await docker('rm', container);
    await docker('tag', 'gc-two:1', 'somebodys:1');
    const { id } = await run('sleep 60', { image: 'gc-busy:1' });
    const { imageKeeper } = runtime;
    const idOf = (name: string): Promise<string> => docker('inspect', '-f', '{{.Id}}', name);
    const inUse = await imageKeeper.inUse();
    assert.ok(inUse.has(await idOf('gc-busy:1')));
    assert.ok(!inUse.has(await idOf('gc-one:1')));
    assert.ok(((await imageKeeper.sizes()).get(await idOf('gc-one:1')) ?? 0) > 0);
    const disk = await imageKeeper.disk();
    assert.ok(disk !== undefined && disk.totalBytes > disk.freeBytes && disk.freeBytes > 0);
    assert.equal(await imageKeeper.remove(['gc-one:1']), true);
    assert.equal(await imageKeeper.remove(['gc-two:1', 'never-there:1']), true);
    assert.equal(await imageKeeper.remove(['gc-busy:1']), false);
    const left = (await docker('images', '--format', '{{.Repository}}')).split('\n');
    assert.ok(!left.includes('gc-one') && !left.includes('gc-two'));
    assert.ok(left.includes('somebodys') && left.includes('gc-busy'));
    await runtime.stop(id, 0);
  },
);
