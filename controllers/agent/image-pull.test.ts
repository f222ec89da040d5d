import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartError } from '../runtimes/runtime.ts';
import type { ImageRequest, PreparedImage } from '../runtimes/runtime.ts';
import { podOf, turns } from './agent-fixture.ts';
import { summary, work } from './pod-worker-fixture.ts';

const image = 'registry.test/app:1';
const pod = podOf({ containers: [{ name: 'main', image, command: ['run'] }] });

test('PodWorker tells how far the pull of an image is, not too often', async (t) => {
  const { promise, resolve } = Promise.withResolvers<PreparedImage>();
  let request: ImageRequest | undefined;
  const { clock, server, events, runtime, worker } = await work(t, pod, ({ runtime }) => {
    runtime.prepareImage = (asked) => {
      request = asked;
      asked.pulling();
      return promise;
    };
  });
  assert.ok(request !== undefined);
  assert.equal(request.pullPolicy, 'IfNotPresent');
  for (let second = 1; second <= 60; second += 1) {
    clock.advance(1_000);
    const bytesDone = second * 1_000_000;
    request.progress({ layers: 3, layersDone: 1, bytes: 120_000_000, bytesDone });
    await turns();
  }
  const messages = server.statuses.map(
    (status) => status.containerStatuses?.[0]?.state.waiting?.message,
  );
  const told = messages.filter((message) => message?.includes('%'));
  assert.equal(told.length, 12);
  assert.equal(told.at(-1), `pulling image ${image}: 50 %, 60 of 120 MB, 1 of 3 layers`);
  resolve({ imageID: 'sha256:1', sizeBytes: 120_000_000, pulledMs: 61_000, isNew: true });
  await turns();
  assert.deepEqual(events, [
    `Normal Pulling Pulling image "${image}"`,
    `Normal Pulling Pulling image ${image}: 25 %, 30 of 120 MB, 1 of 3 layers`,
    `Normal Pulling Pulling image ${image}: 50 %, 60 of 120 MB, 1 of 3 layers`,
    `Normal Pulled Successfully pulled image "${image}" in 61.0s. Image size: 120000000 bytes.`,
    'Normal Created Created container: main',
    'Normal Started Started container main',
  ]);
  assert.equal(runtime.ran.length, 1);
  assert.ok(worker.isReady);
});

test('PodWorker backs off from an image that cannot be pulled', async (t) => {
  const { clock, server, events } = await work(t, pod, ({ runtime }) => {
    runtime.prepareImage = () => Promise.reject(new StartError('ErrImagePull', 'no such image'));
  });
  const reasons = (): (string | undefined)[] =>
    server.statuses.map((status) => status.containerStatuses?.[0]?.state.waiting?.reason);
  assert.ok(reasons().every((reason) => reason?.includes('ImagePull')));
  clock.advance(5_000);
  await turns();
  assert.equal(reasons().at(-1), 'ImagePullBackOff');
  assert.deepEqual(events, [
    'Warning Failed no such image',
    `Normal BackOff Back-off pulling image "${image}"`,
  ]);
});

test('PodWorker gives the logins of imagePullSecrets with the address of the registry', async (t) => {
  const asked: unknown[] = [];
  const logins: unknown[] = [];
  const imagePullSecrets = [{ name: 'pull' }];
  await work(
    t,
    podOf({ containers: pod.spec.containers, imagePullSecrets }),
    ({ runtime, context }) => {
      Object.assign(context, {
        findLogins: (reference: unknown, secrets: unknown) => {
          asked.push([reference, secrets]);
          return Promise.resolve([{ username: 'ann', password: 'word' }]);
        },
      });
      runtime.prepareImage = async (request) => {
        logins.push(...(await request.logins()));
        return { imageID: 'sha256:1', sizeBytes: 1, pulledMs: undefined, isNew: false };
      };
    },
  );
  assert.deepEqual(asked, [
    [
      { domain: 'registry.test', path: 'app', tag: '1' },
      { namespace: 'default', names: ['pull'] },
    ],
  ]);
  assert.deepEqual(logins, [{ username: 'ann', password: 'word', server: 'registry.test' }]);
});

test('PodWorker refuses a name that is no image, where there are images', async (t) => {
  const wrong = podOf({ containers: [{ name: 'main', image: 'No Image', command: ['run'] }] });
  const { server, runtime } = await work(t, wrong, ({ runtime }) => {
    runtime.prepareImage = () => Promise.reject(new Error('not asked'));
  });
  const status = server.statuses.at(-1);
  assert.equal(summary(status), 'Pending Ready=False(ContainersNotReady) 0 InvalidImageName');
  assert.match(status?.containerStatuses?.[0]?.state.waiting?.message ?? '', /"No Image"/);
  assert.deepEqual(runtime.ran, []);
});
