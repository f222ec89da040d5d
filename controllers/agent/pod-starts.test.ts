import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { podOf, turns } from './agent-fixture.ts';
import { summary, work } from './pod-worker-fixture.ts';

const never = new Promise<void>(() => undefined);

test('PodWorker tells that a start takes long, and starts containers one after the other', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const two = podOf({
    containers: [
      { name: 'main', command: ['run'] },
      { name: 'side', command: ['run'] },
    ],
  });
  const { runtime, server, clock } = await work(t, two, ({ runtime }) => {
    runtime.gate = promise;
  });
  assert.deepEqual(server.statuses, []);
  clock.advance(1_000);
  await turns();
  const pending = 'Pending Ready=False(ContainersNotReady) 0 ContainerCreating 0 ContainerCreating';
  assert.deepEqual(server.statuses.map(summary), [pending]);
  resolve();
  await turns();
  assert.deepEqual(
    runtime.ran.map(({ identity }) => identity.container),
    ['main', 'side'],
  );
  assert.equal(
    summary(server.statuses.at(-1)),
    'Running Ready=True 0 running ready 0 running ready',
  );
});

test('PodWorker gives up a start that takes long when the Pod goes', async (t) => {
  const { runtime, server, worker, isFinished } = await work(t, podOf({}), ({ runtime }) => {
    runtime.gate = never;
  });
  const deletionTimestamp = '2026-01-01T00:00:30Z';
  const metadata = { ...podOf({}).metadata, deletionTimestamp, deletionGracePeriodSeconds: 30 };
  worker.update(podOf({}, { metadata }));
  await eventually('its folder is removed', () => assert.ok(isFinished()));
  assert.deepEqual(runtime.ran, []);
  assert.deepEqual(runtime.removedPods, ['u1']);
  assert.deepEqual(server.deleted, ['pods/web']);
});

test('PodWorker gives up a start that takes long when the agent ends', async (t) => {
  const { runtime, worker } = await work(t, podOf({}), ({ runtime }) => {
    runtime.gate = never;
  });
  await worker.shutDown(true);
  assert.deepEqual([runtime.ran, runtime.stopped], [[], []]);
});

test('PodWorker tells the addresses of the Pod, to its containers too', async (t) => {
  const env = [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }];
  const pod = podOf({ containers: [{ name: 'main', command: ['run'], env }], hostname: 'web-0' });
  const { runtime, server } = await work(t, pod, ({ runtime }) => {
    runtime.podIPs = ['172.17.0.2', 'fd00::2'];
  });
  assert.equal(runtime.ran[0]?.env['IP'], '172.17.0.2');
  assert.equal(runtime.prepared[0]?.hostname, 'web-0');
  const status = server.statuses.at(-1);
  assert.equal(status?.podIP, '172.17.0.2');
  assert.deepEqual(status.podIPs, [{ ip: '172.17.0.2' }, { ip: 'fd00::2' }]);
  assert.equal(status.hostIP, '10.0.0.1');
});
