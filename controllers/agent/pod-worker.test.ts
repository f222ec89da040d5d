import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { StartError } from '../runtimes/runtime.ts';
import { podOf, START, turns } from './agent-fixture.ts';
import { summary, work } from './pod-worker-fixture.ts';
import type { PodStatus } from './pod.ts';

const readinessProbe = { exec: { command: ['ask'] }, periodSeconds: 1 };
const probed = podOf({ containers: [{ name: 'main', command: ['run'], readinessProbe }] });

test('PodWorker runs a Pod and says so', async (t) => {
  const { runtime, server, events, worker } = await work(t, podOf({}));
  assert.deepEqual(
    runtime.ran.map(({ command, env }) => [command, env['PORT']]),
    [[['run'], '20001']],
  );
  assert.deepEqual(server.statuses.map(summary), ['Running Ready=True 0 running ready']);
  assert.deepEqual(events, [
    'Normal Created Created container: main',
    'Normal Started Started container main',
  ]);
  worker.wake();
  await turns();
  assert.equal(server.statuses.length, 1, 'an unchanged status is not written again');
});

test('PodWorker at the end of the agent stops the containers and says that nothing runs', async (t) => {
  const { runtime, server, worker } = await work(t, podOf({ terminationGracePeriodSeconds: 7 }));
  await worker.shutDown(true);
  assert.deepEqual(runtime.stopped, [{ id: 'fake://u1-main-0', graceSeconds: 7 }]);
  const last = server.statuses.at(-1);
  assert.equal(summary(last), 'Running Ready=False(NodeShutdown) 0 NodeShutdown');
  assert.equal(last?.containerStatuses?.[0]?.state.terminated?.exitCode, 0);
  assert.ok(!worker.isReady);
});

test('PodWorker without stopping the containers leaves them and the status as they are', async (t) => {
  const { runtime, server, worker } = await work(t, podOf({}));
  await worker.shutDown(false);
  assert.deepEqual(runtime.stopped, []);
  assert.equal(server.statuses.length, 1);
});

test('PodWorker ends in time when the server does not take the last status', async (t) => {
  const { worker, server, clock } = await work(t, podOf({}));
  server.patch = (
    _resource,
    _namespace,
    _name,
    _subresource,
    _type,
    _patch,
    signal?: AbortSignal,
  ) =>
    new Promise((_, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason as Error)),
    );
  const ended = assert.rejects(worker.shutDown(true), /no answer within 2 s/);
  await turns();
  clock.advance(2_000);
  await ended;
});

for (const { policy, phase, restarts } of [
  { policy: 'Always', phase: 'Running', restarts: true },
  { policy: 'OnFailure', phase: 'Running', restarts: true },
  { policy: 'Never', phase: 'Failed', restarts: false },
] as const) {
  test(`PodWorker after the next start ${restarts ? 'restarts' : 'gives up'} a container with ${policy} that we stopped, whatever its exit code`, async (t) => {
    const first = await work(t, podOf({ restartPolicy: policy }));
    await first.worker.shutDown(true);
    const status = first.server.statuses.at(-1);
    assert.equal(status?.phase, phase);
    const [left] = await first.runtime.list();
    assert.ok(left !== undefined && status !== undefined);
    const next = await work(t, podOf({ restartPolicy: policy }, { status }), ({ runtime }) =>
      runtime.put(left.identity, left.state),
    );
    assert.equal(next.runtime.ran.length, restarts ? 1 : 0);
    if (!restarts) {
      assert.equal(status.reason, 'NodeShutdown');
      return;
    }
    const [written] = next.server.statuses;
    assert.equal(summary(written), 'Running Ready=True 1 running ready');
    assert.equal(written?.containerStatuses?.[0]?.lastState.terminated?.reason, 'NodeShutdown');
    // It did not count as a crash: the first real one is restarted at once.
    next.runtime.exit(1);
    next.worker.wake();
    await turns();
    assert.equal(next.runtime.ran.length, 2);
  });
}

/** As a kill -9 leaves it: the server says ready, the container runs or does not. */
const wasReady: PodStatus = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  containerStatuses: [
    {
      name: 'main',
      image: '',
      imageID: '',
      containerID: 'fake://u1-main-2',
      ready: true,
      started: true,
      restartCount: 2,
      state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      lastState: {},
    },
  ],
};
const identity = { namespace: 'default', pod: 'web', podUID: 'u1', container: 'main', attempt: 2 };

for (const { exitCode, expected } of [
  { exitCode: 0, expected: 'Running Ready=True 2 running ready' },
  { exitCode: 1, expected: 'Running Ready=False(ContainersNotReady) 2 running' },
]) {
  test(`PodWorker writes of an adopted container what its probe answers now: exit ${exitCode}`, async (t) => {
    const { server, clock, runtime } = await work(t, { ...probed, status: wasReady }, (fixture) => {
      fixture.runtime.put(identity, { state: 'running', startedAt: START });
      fixture.runtime.execResult = { exitCode, output: '', timedOut: false };
    });
    assert.deepEqual(server.statuses, [], 'nothing before it is known');
    clock.advance(1);
    await turns();
    assert.deepEqual(server.statuses.map(summary), [expected]);
    assert.equal(runtime.ran.length, 0);
  });
}

test('PodWorker calls an adopted container not ready when its probe does not answer in time', async (t) => {
  const { server, clock } = await work(t, { ...probed, status: wasReady }, ({ runtime }) => {
    runtime.put(identity, { state: 'running', startedAt: START });
    runtime.exec = () => new Promise(() => undefined);
  });
  clock.advance(2_000);
  await turns();
  assert.deepEqual(server.statuses.map(summary), [
    'Running Ready=False(ContainersNotReady) 2 running',
  ]);
});

test('PodWorker names the answer of the probe in the Ready condition', async (t) => {
  const { server, clock } = await work(t, probed, ({ runtime }) => {
    runtime.execResult = { exitCode: 1, output: 'no database', timedOut: false };
  });
  clock.advance(1);
  await turns();
  const ready = server.statuses.at(-1)?.conditions?.find(({ type }) => type === 'Ready');
  assert.match(
    ready?.message ?? '',
    /^containers with unready status: \[main\]; probe of main: .*exited with 1: no database$/,
  );
});

test('PodWorker looks every second for a ConfigMap that is missing, and says it once', async (t) => {
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'late', key: 'k' } } }];
  const pod = podOf({ containers: [{ name: 'main', command: ['run', '$(A)'], env }] });
  const { server, runtime, clock, events } = await work(t, pod);
  assert.equal(
    summary(server.statuses.at(-1)),
    'Pending Ready=False(ContainersNotReady) 0 CreateContainerConfigError',
  );
  for (let second = 0; second < 5; second += 1) {
    clock.advance(1_000);
    await turns();
  }
  assert.deepEqual(events, [
    'Warning Failed configmap "late" not found: create it, or mark the reference optional',
  ]);
  const late = {
    metadata: { ...podOf({}).metadata, name: 'late' },
    data: { k: 'v' },
  };
  server.put('configmaps', late);
  clock.advance(1_000);
  await turns();
  assert.deepEqual(
    runtime.ran.map(({ command }) => command),
    [['run', 'v']],
  );
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 0 running ready');
});

test('PodWorker backs off from a program that cannot be run, without counting restarts', async (t) => {
  const { server, runtime, clock, events } = await work(t, podOf({}), (fixture) => {
    fixture.runtime.failure = new StartError('RunContainerError', 'Cannot run "x"');
  });
  assert.equal(
    summary(server.statuses.at(-1)),
    'Pending Ready=False(ContainersNotReady) 0 RunContainerError',
  );
  for (const seconds of [9, 1, 19, 1]) {
    clock.advance(seconds * 1_000);
    await turns();
  }
  assert.equal(events.filter((event) => event === 'Warning Failed Cannot run "x"').length, 3);
  runtime.failure = undefined;
  clock.advance(40_000);
  await turns();
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 0 running ready');
});

test('PodWorker shows no Secret when a command line that holds one cannot be run', async (t) => {
  const key = { name: 'login', key: 'token' };
  const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: key } }];
  const pod = podOf({ containers: [{ name: 'main', command: ['run-$(TOKEN)'], env }] });
  const { server, events } = await work(t, pod, (fixture) => {
    const metadata = { ...podOf({}).metadata, name: 'login' };
    const login = { metadata, data: { token: btoa('hidden') } };
    fixture.server.put('secrets', login);
    fixture.runtime.run = ({ command }) =>
      Promise.reject(new StartError('RunContainerError', `Cannot run ${command.join(' ')}`));
  });
  assert.deepEqual(events, ['Warning Failed Cannot run run-***']);
  const [first] = server.statuses.at(-1)?.containerStatuses ?? [];
  assert.equal(first?.state.waiting?.message, 'Cannot run run-***');
});

test('PodWorker restarts what ends, at once and then after 10 s, and shows why', async (t) => {
  const { worker, server, runtime, clock, events } = await work(t, podOf({}));
  const end = async (): Promise<void> => {
    runtime.exit(3);
    worker.wake();
    await turns();
  };
  await end();
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 1 running ready');
  await end();
  const crashed = server.statuses.at(-1);
  assert.equal(summary(crashed), 'Running Ready=False(ContainersNotReady) 1 CrashLoopBackOff');
  assert.equal(crashed?.containerStatuses?.[0]?.lastState.terminated?.exitCode, 3);
  assert.ok(
    events.includes('Warning BackOff back-off 10s restarting failed container=main pod=web'),
  );
  clock.advance(9_999);
  await turns();
  assert.equal(runtime.ran.length, 2);
  clock.advance(1);
  await turns();
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 2 running ready');
  assert.equal((await runtime.list()).length, 2, 'only the attempt before is kept');
});

test('PodWorker restarts a container whose liveness probe fails', async (t) => {
  const livenessProbe = { exec: { command: ['ask'] }, periodSeconds: 5, failureThreshold: 2 };
  const pod = podOf({ containers: [{ name: 'main', command: ['run'], livenessProbe }] });
  const { server, runtime, clock, events, worker } = await work(t, pod, (fixture) => {
    fixture.runtime.execResult = { exitCode: 1, output: 'sick', timedOut: false };
  });
  clock.advance(1);
  await turns();
  assert.deepEqual(runtime.stopped, []);
  clock.advance(5_000);
  await turns();
  assert.deepEqual(runtime.stopped, [{ id: 'fake://u1-main-0', graceSeconds: 30 }]);
  assert.ok(
    events.includes('Normal Killing Container main failed liveness probe, will be restarted'),
  );
  worker.wake();
  await turns();
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 1 running ready');
});

test('PodWorker takes a Pod out of the proxy before it kills a container, and it is not ready until another runs', async (t) => {
  const livenessProbe = { exec: { command: ['ask'] }, periodSeconds: 1, failureThreshold: 1 };
  const pod = podOf({
    containers: [{ name: 'main', command: ['run'], livenessProbe }],
    terminationGracePeriodSeconds: 5,
  });
  const { server, runtime, clock, worker, drained, drain } = await work(t, pod);
  clock.advance(1);
  await turns();
  assert.ok(worker.isReady);
  const { promise, resolve } = Promise.withResolvers<void>();
  drain.until = promise;
  runtime.execResult = { exitCode: 1, output: 'sick', timedOut: false };
  clock.advance(1_000);
  await turns();
  assert.deepEqual(drained, ['web before 0 stops, at most 4 s']);
  assert.ok(!worker.isReady);
  assert.match(
    summary(server.statuses.at(-1)),
    /^Running Ready=False\(ContainersNotReady\) 0 running$/,
  );
  // Whatever else happens meanwhile: it is neither stopped yet, nor ready again.
  runtime.execResult = { exitCode: 0, output: '', timedOut: false };
  clock.advance(2_000);
  worker.wake();
  await turns();
  assert.deepEqual(runtime.stopped, []);
  assert.ok(!worker.isReady);
  const stopped = Promise.withResolvers<void>();
  const stop = runtime.stop.bind(runtime);
  runtime.stop = (id, graceSeconds) => stopped.promise.then(() => stop(id, graceSeconds));
  resolve();
  await turns();
  worker.wake();
  await turns();
  // It runs on until it has stopped.
  assert.ok(!worker.isReady);
  stopped.resolve();
  await turns();
  assert.deepEqual(runtime.stopped, [{ id: 'fake://u1-main-0', graceSeconds: 3 }]);
  worker.wake();
  await turns();
  assert.ok(worker.isReady);
  assert.equal(drained.length, 1);
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 1 running ready');
});

test('PodWorker does not stop the next attempt of a container that ended while it drained', async (t) => {
  const livenessProbe = { exec: { command: ['ask'] }, periodSeconds: 1, failureThreshold: 1 };
  const pod = podOf({ containers: [{ name: 'main', command: ['run'], livenessProbe }] });
  const { runtime, clock, worker, drained, drain } = await work(t, pod);
  const { promise, resolve } = Promise.withResolvers<void>();
  drain.until = promise;
  runtime.execResult = { exitCode: 1, output: 'sick', timedOut: false };
  clock.advance(1_000);
  await turns();
  assert.deepEqual(drained, ['web before 0 stops, at most 10 s']);
  runtime.execResult = { exitCode: 0, output: '', timedOut: false };
  runtime.exit(1);
  worker.wake();
  await turns();
  assert.ok(worker.isReady);
  resolve();
  await turns();
  assert.deepEqual(runtime.stopped, []);
  assert.ok(worker.isReady);
});

test('PodWorker runs init containers first, one after the other', async (t) => {
  const initContainers = [
    { name: 'first', command: ['one'] },
    { name: 'second', command: ['two'] },
  ];
  const { worker, server, runtime } = await work(t, podOf({ initContainers }));
  const names = (): string[] => runtime.ran.map(({ identity: { container } }) => container);
  assert.deepEqual(names(), ['first']);
  assert.equal(server.statuses.at(-1)?.phase, 'Pending');
  for (const expected of [
    ['first', 'second'],
    ['first', 'second', 'main'],
  ]) {
    runtime.exit(0);
    worker.wake();
    await turns();
    assert.deepEqual(names(), expected);
  }
  assert.equal(summary(server.statuses.at(-1)), 'Running Ready=True 0 running ready');
});

test('PodWorker takes a deleted Pod out of the proxy, stops it, removes its folder and then the object', async (t) => {
  const volumes = [{ name: 'v', secret: { secretName: 's' } }];
  const secret = {
    ...podOf({}),
    metadata: { ...podOf({}).metadata, name: 's' },
    data: { k: btoa('hidden') },
  };
  const { worker, server, context, drained, isFinished, runtime, events } = await work(
    t,
    podOf({ volumes }),
    (fixture) => fixture.server.put('secrets', secret),
  );
  while (runtime.ran.length === 0) await turns(); // real files take real time
  const file = join(context.folderOf('u1'), 'volumes', 'v', 'k');
  assert.equal(await readFile(file, 'utf8'), 'hidden');
  const deletion = { deletionTimestamp: '2026-01-01T00:00:01Z', deletionGracePeriodSeconds: 5 };
  worker.update({ ...worker.pod, metadata: { ...worker.pod.metadata, ...deletion } });
  await eventually('its folder is removed', () => assert.ok(isFinished()));
  assert.deepEqual(drained, ['web before 0 stops, at most 4 s']);
  assert.deepEqual(
    runtime.stopped.map(({ graceSeconds }) => graceSeconds),
    [5],
  );
  assert.deepEqual(server.deleted, ['pods/web']);
  assert.deepEqual(await runtime.list(), []);
  await assert.rejects(access(context.folderOf('u1')));
  assert.ok(!JSON.stringify([events, server.statuses]).includes('hidden'));
  await worker.shutDown(true);
  assert.equal(
    summary(server.statuses.at(-1)),
    'Running Ready=False(ContainersNotReady) 0 Completed',
  );
});
