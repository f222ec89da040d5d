import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf, START, turns } from './agent-fixture.ts';
import { activeDeadline, DEADLINE_EXCEEDED } from './active-deadline.ts';
import { summary, work } from './pod-worker-fixture.ts';
import type { PodStatus } from './pod.ts';

const spec = { activeDeadlineSeconds: 60, terminationGracePeriodSeconds: 7 };
const FAILED = 'Failed Ready=False(PodFailed) 0 Completed';

test('activeDeadline() counts from the start time that was written, else from when the Pod was seen', () => {
  const status = { startTime: '2026-01-01T00:00:30Z' };
  assert.equal(activeDeadline(podOf(spec, { status }), START), START + 90_000);
  assert.equal(activeDeadline(podOf(spec), START + 5_000), START + 65_000);
  assert.equal(activeDeadline(podOf({}, { status }), START), undefined);
});

test('PodWorker stops a Pod that was active for too long, with its grace, and calls it failed', async (t) => {
  const { server, runtime, clock, events, drained, worker } = await work(t, podOf(spec));
  clock.advance(59_999);
  await turns();
  assert.deepEqual(runtime.stopped, []);
  clock.advance(1);
  await turns();
  assert.deepEqual(runtime.stopped, [{ id: 'fake://u1-main-0', graceSeconds: 7 }]);
  assert.deepEqual(drained, ['web before 0 stops, at most 5.6 s']);
  assert.deepEqual(server.statuses.map(summary), [
    'Running Ready=True 0 running ready',
    'Running Ready=False(ContainersNotReady) 0 running',
    FAILED,
  ]);
  const { reason, message } = server.statuses.at(-1) ?? {};
  assert.deepEqual({ reason, message }, DEADLINE_EXCEEDED);
  assert.deepEqual(events.slice(-2), [
    'Normal DeadlineExceeded Pod was active on the node longer than the specified deadline',
    'Normal Killing Stopping container main',
  ]);
  clock.advance(600_000);
  worker.wake();
  await turns();
  assert.equal(runtime.ran.length, 1, 'restartPolicy Always starts nothing any more');
  assert.equal(server.statuses.length, 3);
});

test('PodWorker gives up a start that takes longer than the Pod may be active', async (t) => {
  const { server, runtime, clock } = await work(t, podOf(spec), (fixture) => {
    fixture.runtime.gate = new Promise(() => undefined);
  });
  clock.advance(60_000);
  await turns();
  assert.equal(runtime.ran.length, 0);
  const last = server.statuses.at(-1);
  assert.deepEqual([last?.phase, last?.reason], ['Failed', 'DeadlineExceeded']);
});

test('PodWorker takes in another deadline while the Pod runs', async (t) => {
  const { server, clock, worker } = await work(t, podOf({}));
  clock.advance(60_000);
  worker.update(podOf({ activeDeadlineSeconds: 61 }, { status: server.statuses.at(-1) ?? {} }));
  await turns();
  assert.equal(server.statuses.at(-1)?.phase, 'Running');
  clock.advance(1_000);
  await turns();
  assert.equal(summary(server.statuses.at(-1)), FAILED);
});

/** As an agent left it that started the Pod 50 s ago. */
const status: PodStatus = { phase: 'Running', startTime: '2025-12-31T23:59:10Z' };
const identity = { namespace: 'default', pod: 'web', podUID: 'u1', container: 'main', attempt: 0 };

test('PodWorker counts on after a restart of the agent', async (t) => {
  const { server, runtime, clock } = await work(t, podOf(spec, { status }), (fixture) => {
    fixture.runtime.put(identity, { state: 'running', startedAt: START - 50_000 });
  });
  clock.advance(9_999);
  await turns();
  assert.deepEqual(runtime.stopped, []);
  clock.advance(1);
  await turns();
  assert.equal(summary(server.statuses.at(-1)), FAILED);
});

for (const { title, exitCode, written, expected } of [
  { title: 'ended in time and unseen', exitCode: 0, written: status, expected: 'Succeeded' },
  {
    title: 'was stopped for it before',
    exitCode: 0,
    written: { ...status, phase: 'Failed', ...DEADLINE_EXCEEDED },
    expected: 'Failed DeadlineExceeded',
  },
] as const) {
  test(`PodWorker finds after a restart of the agent a Pod that ${title}`, async (t) => {
    const pod = podOf(
      { ...spec, restartPolicy: 'Never', activeDeadlineSeconds: 20 },
      { status: written },
    );
    const { server, runtime, events } = await work(t, pod, (fixture) => {
      fixture.runtime.put(identity, { state: 'running', startedAt: START - 50_000 });
      fixture.runtime.exit(exitCode);
    });
    const last = server.statuses.at(-1);
    assert.equal([last?.phase, last?.reason].filter(Boolean).join(' '), expected);
    assert.equal(runtime.ran.length, 0);
    assert.ok(!events.some((event) => event.includes('DeadlineExceeded')));
  });
}
