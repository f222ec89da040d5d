import assert from 'node:assert/strict';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '#test/support/missing-part.ts';
import { RequestError } from '../machinery/request-error.ts';
import type { EngineVolume } from '../runtimes/runtime.ts';
import { podOf, turns } from './agent-fixture.ts';
import { VOLUME_DRIVER_ANNOTATION } from './engine-volumes.ts';
import { FILE_OWNERS_ANNOTATION, fileOwnersOf } from './file-owners.ts';
import { summary, work } from './pod-worker-fixture.ts';
import type { Pod } from './pod.ts';
import { prepareVolumes } from './volumes.ts';

const pod = podOf({
  volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
  containers: [
    {
      name: 'main',
      command: ['run'],
      volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a' }],
    },
  ],
});

function claim(driver?: string): { metadata: Pod['metadata'] } {
  const annotations = driver === undefined ? {} : { [VOLUME_DRIVER_ANNOTATION]: driver };
  return { metadata: { ...pod.metadata, name: 'data', labels: { team: 'a' }, annotations } };
}

test('PodWorker has the engine keep a volume whose claim names a driver', async (t) => {
  const made: EngineVolume[] = [];
  const { runtime } = await work(t, pod, ({ runtime, server }) => {
    server.put('persistentvolumeclaims', claim('{"name":"nfs","options":{"o":"addr=1"}}'));
    runtime.ensureVolume = (volume) => {
      made.push(volume);
      return Promise.resolve();
    };
  });
  const labels = {
    team: 'a',
    'windlass.dev/claim-namespace': 'default',
    'windlass.dev/claim': 'data',
  };
  const name = 'windlass_default_data';
  assert.deepEqual(made, [{ name, driver: 'nfs', options: { o: 'addr=1' }, labels }]);
  assert.deepEqual(runtime.ran[0]?.mounts, [
    { containerPath: '/v', readOnly: false, hostPath: '', engineVolume: { name, subPath: 'a' } },
  ]);
});

for (const { title, driver, message } of [
  {
    title: 'a claim that it may not see yet',
    message: /does not show its claim data to this node yet/,
  },
  { title: 'no JSON', driver: '{"o":"password=x', message: /claim data is not valid JSON$/ },
  { title: 'a driver without a name', driver: '{}', message: /must have a name/ },
  {
    title: 'options that are no texts',
    driver: '{"name":"local","options":{"a":1}}',
    message: /options that are texts/,
  },
  {
    title: 'a driver where the runtime has none',
    driver: '{"name":"local"}',
    message: /asks for the volume driver local, and the fake runtime has none/,
  },
]) {
  test(`PodWorker waits with a Pod that asks for ${title}`, async (t) => {
    const { server, runtime } = await work(t, pod, ({ server }) => {
      if (driver === undefined)
        server.get = () => Promise.reject(new RequestError(403, 'Forbidden', 'not bound'));
      else server.put('persistentvolumeclaims', claim(driver));
    });
    const status = server.statuses.at(-1);
    assert.equal(summary(status), 'Pending Ready=False(ContainersNotReady) 0 FailedMount');
    assert.match(status?.containerStatuses?.[0]?.state.waiting?.message ?? '', message);
    assert.deepEqual(runtime.ran, []);
  });
}

for (const there of [true, false]) {
  test(`PodWorker gives a claim without a driver a folder, ${there ? 'there' : 'not there'} itself`, async (t) => {
    const { runtime } = await work(t, pod, ({ server }) => {
      if (there) server.put('persistentvolumeclaims', claim());
    });
    while (runtime.ran.length === 0) await turns();
    assert.match(runtime.ran[0]?.mounts[0]?.hostPath ?? '', /volumes\/default\/data\/a$/);
  });
}

function owned(owners: string): Pod {
  const metadata = { ...pod.metadata, annotations: { [FILE_OWNERS_ANNOTATION]: owners } };
  const items = [{ key: 'k', path: 'k', mode: 0o440 }];
  return { ...podOf({ volumes: [{ name: 'c', configMap: { name: 'c', items } }] }), metadata };
}

const isRoot = process.getuid?.() === 0;
test(
  'prepareVolumes() gives files the owner that is asked for',
  needs(isRoot ? undefined : 'only root may give files away'),
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'windlass-owners-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await chown(folder, 0, 0);
    const references = {
      configMaps: new Map([['c', new Map([['k', Buffer.from('x')]])]]),
      secrets: new Map(),
    };
    const folders = { pod: join(folder, 'pod'), claims: folder, ownerOnlySecrets: true };
    const ownerPod = owned('{"c":{"uid":1234,"gid":4321}}');
    const paths = await prepareVolumes(ownerPod, references, folders, '');
    const found = await stat(join(paths.get('c') ?? '', 'k'));
    assert.deepEqual([found.uid, found.gid, found.mode & 0o777], [1234, 4321, 0o440]);
  },
);

for (const owners of ['{', '[]', '{"c":1}', '{"c":{"uid":"root"}}', '{"c":{"gid":-1}}']) {
  test(`fileOwnersOf() refuses ${owners}`, () => {
    assert.throws(() => fileOwnersOf(owned(owners)), {
      reason: 'CreateContainerConfigError',
      message: /^Annotation windlass\.dev\/file-owners /,
    });
  });
}
