import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf, turns } from './agent-fixture.ts';
import { summary, work } from './pod-worker-fixture.ts';
import type { Pod, PodStatus } from './pod.ts';

function podWith(cpu: string, memory: string, more: object = {}): Pod {
  const resources = { limits: { cpu, memory }, requests: { cpu: '100m', memory: '16Mi' } };
  return podOf({ containers: [{ name: 'main', command: ['run'], resources, ...more }] });
}

function resizeOf(status: PodStatus | undefined): string {
  const found = status?.conditions?.filter(({ type }) => type.startsWith('PodResize')) ?? [];
  const { resources } = status?.containerStatuses?.[0] ?? {};
  return `${found.map(({ type, reason = '' }) => `${type}=${reason}`).join()} ${JSON.stringify(resources)}`;
}

const OLD = '{"limits":{"cpu":"1","memory":"64Mi"},"requests":{"cpu":"100m","memory":"16Mi"}}';
const NEW = '{"limits":{"cpu":"2","memory":"128Mi"},"requests":{"cpu":"100m","memory":"16Mi"}}';

test('PodWorker changes the resources of a running container and says so', async (t) => {
  const made = await work(t, podWith('1', '64Mi'), ({ runtime }) => (runtime.limits = true));
  const { runtime, server, worker, events } = made;
  assert.equal(resizeOf(server.statuses.at(-1)), ` ${OLD}`);
  worker.update(podWith('2', '128Mi'));
  await turns();
  assert.deepEqual(runtime.updated, [
    {
      cpuLimitMillis: 2000,
      memoryLimitBytes: 128 << 20,
      cpuRequestMillis: 100,
      memoryRequestBytes: 16 << 20,
    },
  ]);
  assert.equal(resizeOf(server.statuses.at(-1)), ` ${NEW}`);
  assert.deepEqual(events.slice(-1), [
    'Normal ResizeCompleted Resources of container main changed',
  ]);
  assert.equal(runtime.ran.length, 1);
  worker.wake();
  await turns();
  assert.equal(runtime.updated.length, 1);
});

test('PodWorker says why resources cannot be changed, and tries again', async (t) => {
  const made = await work(t, podWith('1', '64Mi'), ({ runtime }) => (runtime.limits = true));
  const { runtime, server, worker, events, clock } = made;
  runtime.updateFailure = new Error('device or resource busy');
  worker.update(podWith('1', '16Mi'));
  await turns();
  assert.equal(resizeOf(server.statuses.at(-1)), `PodResizeInProgress=Error ${OLD}`);
  assert.match(
    events.at(-1) ?? '',
    /^Warning ResizeError .*container main: device or resource busy/,
  );
  const count = events.length;
  runtime.updateFailure = undefined;
  clock.advance(10_000);
  await turns();
  assert.match(resizeOf(server.statuses.at(-1)), /^ .*"memory":"16Mi"/);
  assert.equal(events.length, count + 1);
});

test('PodWorker restarts a container whose resizePolicy wants that', async (t) => {
  const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
  const { runtime, server, worker, events } = await work(
    t,
    podWith('1', '64Mi', { resizePolicy }),
    ({ runtime }) => (runtime.limits = true),
  );
  worker.update(podWith('2', '64Mi', { resizePolicy }));
  await turns();
  assert.equal(runtime.ran.length, 1, 'CPU alone needs none');
  worker.update(podWith('2', '128Mi', { resizePolicy }));
  await turns();
  assert.ok(events.includes('Normal Killing Container main resize requires restart'));
  assert.equal(runtime.ran[1]?.resources.memoryLimitBytes, 128 << 20);
  assert.equal(resizeOf(server.statuses.at(-1)), ` ${NEW}`);
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 1 running ready');
});

test('PodWorker says that a runtime without limits cannot change them', async (t) => {
  const { runtime, server, worker } = await work(t, podWith('1', '64Mi'));
  assert.equal(resizeOf(server.statuses.at(-1)), ' undefined');
  worker.update(podWith('2', '64Mi'));
  await turns();
  assert.equal(resizeOf(server.statuses.at(-1)), 'PodResizePending=Infeasible undefined');
  assert.deepEqual(runtime.updated, []);
  worker.update(podWith('1', '64Mi'));
  await turns();
  assert.equal(resizeOf(server.statuses.at(-1)), ' undefined');
});

test('PodWorker counts the health check of an image as readiness, and restarts what is unhealthy', async (t) => {
  const { server, runtime, worker, events } = await work(t, podOf({}), ({ runtime }) => {
    runtime.health = { status: 'starting', message: '' };
  });
  const last = (): string => summary(server.statuses.at(-1));
  assert.equal(last(), 'Running Ready=False(ContainersNotReady) 0 running');
  runtime.setHealth({ status: 'healthy', message: '' });
  worker.wake();
  await turns();
  assert.equal(last(), 'Running Ready=True 0 running ready');
  runtime.setHealth({ status: 'unhealthy', message: 'no database' });
  worker.wake();
  await turns();
  assert.equal(last(), 'Running Ready=False(ContainersNotReady) 1 running');
  assert.deepEqual(
    events.filter((event) => / (Unhealthy|Killing) /.test(event)),
    [
      'Warning Unhealthy main: the health check of its image says unhealthy: no database',
      "Normal Killing Container main failed its image's health check, will be restarted",
    ],
  );
  assert.equal(runtime.ran[0]?.imageHealthCheck, true);
});

test('PodWorker says once what the runtime cannot give', async (t) => {
  const { events } = await work(t, podOf({}), ({ runtime }) => {
    runtime.ignored = ['resources.limits', 'engine.init'];
  });
  assert.equal(
    events[0],
    'Warning NotSupported Container main runs without what the fake runtime cannot give: resources.limits, engine.init',
  );
});
