import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointTable } from './endpoints.ts';
import type { ServiceInstance } from './endpoints.ts';
import { LocalInstances } from './local-instances.ts';
import { podOf } from './agent-fixture.ts';
import type { ContainerStatus } from '../runtimes/runtime.ts';
import type { Pod } from './pod.ts';
import type { PodWorker } from './pod-worker.ts';

function instance(podUID: string, revision = 'r1', service = 'web'): ServiceInstance {
  return {
    podUID,
    pod: podUID,
    namespace: 'default',
    service,
    revision,
    node: 'node',
    address: () => undefined,
    connect: () => Promise.reject(new Error('not here')),
  };
}

const names = (instances: Iterable<ServiceInstance>): string[] =>
  [...instances].map(({ podUID }) => podUID);

test('EndpointTable puts the instances of all sources together, in one order whatever comes first', () => {
  const table = new EndpointTable({ activeRevision: () => undefined });
  table.addSource({ ready: () => [instance('c'), instance('x', 'r1', 'other')] });
  table.addSource({ ready: () => [instance('a'), instance('b')] });
  assert.deepEqual(names(table.ready('default', 'web')), ['a', 'b', 'c']);
  assert.deepEqual(names(table.ready('default', 'other')), ['x']);
  assert.deepEqual(table.ready('elsewhere', 'web'), []);
});

test('EndpointTable leads to the active revision only, and to all where none is named', () => {
  let active: string | undefined = 'r2';
  const table = new EndpointTable({ activeRevision: () => active });
  table.addSource({ ready: () => [instance('a'), instance('b', 'r2')] });
  assert.deepEqual(names(table.ready('default', 'web')), ['b']);
  active = undefined;
  table.changed();
  assert.deepEqual(names(table.ready('default', 'web')), ['a', 'b']);
});

test('EndpointTable tells of differences, not of looks', () => {
  let ready = [instance('a')];
  const table = new EndpointTable({ activeRevision: () => undefined });
  table.addSource({ ready: () => ready });
  let told = 0;
  const stop = table.onChange(() => (told += 1));
  const before = table.ready('default', 'web');
  table.changed();
  assert.equal(told, 0);
  assert.equal(table.ready('default', 'web'), before);
  ready = [...ready, instance('b')];
  table.changed();
  assert.equal(told, 1);
  stop();
  ready = [];
  table.changed();
  assert.equal(told, 1);
  assert.deepEqual(table.ready('default', 'web'), []);
});

test('EndpointTable drains an instance everywhere, once it has left the table', async () => {
  let ready = [instance('a'), instance('b')];
  const table = new EndpointTable({ activeRevision: () => undefined });
  table.addSource({ ready: () => ready });
  const seen: string[] = [];
  const drainer =
    (who: string) =>
    (podUID: string, limitMs: number): Promise<void> => {
      const left = names(table.ready('default', 'web')).join(' ');
      seen.push(`${who} ${podUID} ${limitMs}: ${left}`);
      return Promise.resolve();
    };
  table.onDrain(drainer('ingress'));
  const stop = table.onDrain(drainer('names'));
  ready = ready.slice(1);
  await table.drain('a', 5_000);
  assert.deepEqual(seen, ['ingress a 5000: b', 'names a 5000: b']);
  stop();
  await table.drain('b', 1);
  assert.equal(seen.length, 3);
});

type Worker = Pick<PodWorker, 'pod' | 'isReady' | 'container'>;

function worker(pod: Pod, isReady = true): Worker {
  const status: ContainerStatus = {
    identity: { namespace: 'default', pod: 'web', podUID: 'u', container: 'main', attempt: 0 },
    id: 'fake://1',
    image: '',
    imageID: '',
    state: { state: 'running', startedAt: 0 },
    podIPs: [],
    endpoints: new Map([[8000, { host: '127.0.0.1', port: 20_001 }]]),
  };
  return { pod, isReady, container: () => status };
}

function labelled(uid: string, labels: Readonly<Record<string, string>>): Pod {
  const ports = [{ name: 'http', containerPort: 8000 }];
  const pod = podOf({ containers: [{ name: 'main', image: 'image', ports }] });
  return { ...pod, metadata: { ...pod.metadata, uid, labels } };
}

test('LocalInstances are the ready Pods of Services, without those that run once', async () => {
  const web = { 'windlass.dev/service': 'web', 'windlass.dev/revision': 'r1' };
  const instances = new LocalInstances(() => [
    worker(labelled('a', web)),
    worker(labelled('b', web), false),
    worker(labelled('c', { ...web, 'windlass.dev/hook': 'preDeploy' })),
    worker(labelled('d', { app: 'web' })),
  ]);
  assert.deepEqual(names(instances.ready()), ['a']);
  const found = instances.find('a');
  assert.equal(found?.revision, 'r1');
  assert.deepEqual(found.address('http'), { host: '127.0.0.1', port: 20_001 });
  assert.deepEqual(found.address(8000), { host: '127.0.0.1', port: 20_001 });
  assert.equal(found.address('metrics'), undefined);
  await assert.rejects(found.connect('metrics', 1_000), /no container of web has a port metrics/);
  assert.equal(instances.find('b'), undefined);
});
