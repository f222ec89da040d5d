import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerState, ContainerStatus } from '../runtimes/runtime.ts';
import { podOf } from './agent-fixture.ts';
import type { Pod, PodCondition } from './pod.ts';
import { podStatus } from './status.ts';
import type { ContainerView, PodView } from './status.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const EARLIER = '2026-01-01T11:00:00Z';

const running: ContainerState = { state: 'running', startedAt: NOW - 60_000 };

function exited(exitCode: number | undefined): ContainerState {
  const reason =
    exitCode === undefined ? 'ContainerStatusUnknown' : exitCode === 0 ? 'Completed' : 'Error';
  return { state: 'exited', startedAt: NOW - 60_000, finishedAt: NOW - 1_000, exitCode, reason };
}

function attempt(name: string, number: number, state: ContainerState): ContainerStatus {
  const identity = {
    namespace: 'default',
    pod: 'web',
    podUID: 'u1',
    container: name,
    attempt: number,
  };
  return {
    identity,
    id: `fake://${name}-${number}`,
    image: '',
    imageID: '',
    state,
    endpoints: new Map(),
    podIPs: [],
  };
}

function view(
  state: ContainerState | undefined,
  more: Partial<ContainerView> = {},
  name = 'main',
): ContainerView {
  return {
    container: { name, image: 'image' },
    current: state === undefined ? undefined : attempt(name, 0, state),
    last: undefined,
    restartCount: 0,
    waiting: undefined,
    started: state?.state === 'running',
    ready: state?.state === 'running',
    shutDownID: undefined,
    ...more,
  };
}

function statusOf(
  containers: readonly ContainerView[],
  more: Partial<PodView> = {},
  pod: Pod = podOf({}),
): ReturnType<typeof podStatus> {
  return podStatus({
    pod,
    initContainers: [],
    containers,
    podIPs: ['10.0.0.1'],
    hostIP: '10.0.0.1',
    now: NOW,
    startedAt: NOW - 61_000,
    terminating: false,
    overdue: false,
    shutDown: false,
    ...more,
  });
}

function condition(status: ReturnType<typeof podStatus>, type: string): PodCondition {
  const found = status.conditions?.find((one) => one.type === type);
  assert.ok(found !== undefined);
  return found;
}

const backOff = { reason: 'CrashLoopBackOff', message: 'back-off 10s' };

interface Case {
  readonly title: string;
  readonly containers: readonly ContainerView[];
  readonly more?: Partial<PodView>;
  readonly spec?: Partial<Pod['spec']>;
  readonly phase: string;
  /** Status and reason of Ready. */
  readonly ready: string;
  /** State of the first container. */
  readonly state: string;
}

const cases: readonly Case[] = [
  {
    title: 'nothing started',
    containers: [view(undefined)],
    phase: 'Pending',
    ready: 'False ContainersNotReady',
    state: 'ContainerCreating',
  },
  {
    title: 'a start that failed',
    containers: [view(undefined, { waiting: { reason: 'ErrImagePull' } })],
    phase: 'Pending',
    ready: 'False ContainersNotReady',
    state: 'ErrImagePull',
  },
  {
    title: 'running',
    containers: [view(running)],
    phase: 'Running',
    ready: 'True',
    state: 'running ready',
  },
  {
    title: 'running, not ready',
    containers: [view(running, { ready: false })],
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'running',
  },
  {
    title: 'one of two started',
    containers: [view(running), view(undefined, {}, 'other')],
    phase: 'Pending',
    ready: 'False ContainersNotReady',
    state: 'running ready',
  },
  {
    title: 'running and on its way out',
    containers: [view(running)],
    more: { terminating: true },
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'running',
  },
  {
    title: 'crashing',
    containers: [view(exited(1), { waiting: backOff, restartCount: 3 })],
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'CrashLoopBackOff',
  },
  {
    title: 'ended with 0, Always',
    containers: [view(exited(0))],
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'Completed',
  },
  {
    title: 'ended with 0, Never',
    containers: [view(exited(0))],
    spec: { restartPolicy: 'Never' },
    phase: 'Succeeded',
    ready: 'False PodCompleted',
    state: 'Completed',
  },
  {
    title: 'ended with 0, OnFailure',
    containers: [view(exited(0))],
    spec: { restartPolicy: 'OnFailure' },
    phase: 'Succeeded',
    ready: 'False PodCompleted',
    state: 'Completed',
  },
  {
    title: 'ended with 1, OnFailure',
    containers: [view(exited(1))],
    spec: { restartPolicy: 'OnFailure' },
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'Error',
  },
  {
    title: 'ended with 1, Never',
    containers: [view(exited(1))],
    spec: { restartPolicy: 'Never' },
    phase: 'Failed',
    ready: 'False PodFailed',
    state: 'Error',
  },
  {
    title: 'ended with nobody knows what, Never',
    containers: [view(exited(undefined))],
    spec: { restartPolicy: 'Never' },
    phase: 'Failed',
    ready: 'False PodFailed',
    state: 'ContainerStatusUnknown',
  },
  {
    title: 'one of two ended, Never',
    containers: [view(exited(0)), view(running, {}, 'other')],
    spec: { restartPolicy: 'Never' },
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'Completed',
  },
  {
    title: 'stopped while being deleted, Never',
    containers: [view(exited(0))],
    more: { terminating: true },
    spec: { restartPolicy: 'Never' },
    phase: 'Running',
    ready: 'False ContainersNotReady',
    state: 'Completed',
  },
  {
    title: 'an init container under way',
    containers: [view(undefined)],
    more: { initContainers: [view(running, {}, 'init')] },
    phase: 'Pending',
    ready: 'False ContainersNotReady',
    state: 'ContainerCreating',
  },
  {
    title: 'an init container that failed, Never',
    containers: [view(undefined)],
    more: { initContainers: [view(exited(1), {}, 'init')] },
    spec: { restartPolicy: 'Never' },
    phase: 'Failed',
    ready: 'False PodFailed',
    state: 'ContainerCreating',
  },
  {
    title: 'stopped with the agent',
    containers: [view(exited(0), { shutDownID: 'fake://main-0' })],
    more: { shutDown: true },
    phase: 'Running',
    ready: 'False NodeShutdown',
    state: 'NodeShutdown',
  },
  {
    title: 'stopped with the agent, OnFailure',
    containers: [view(exited(0), { shutDownID: 'fake://main-0' })],
    more: { shutDown: true },
    spec: { restartPolicy: 'OnFailure' },
    phase: 'Running',
    ready: 'False NodeShutdown',
    state: 'NodeShutdown',
  },
  {
    title: 'stopped with the agent, Never',
    containers: [view(exited(0), { shutDownID: 'fake://main-0' })],
    more: { shutDown: true },
    spec: { restartPolicy: 'Never' },
    phase: 'Failed',
    ready: 'False PodFailed',
    state: 'NodeShutdown',
  },
  {
    title: 'stopped because its time was over, Always',
    containers: [view(exited(0))],
    more: { overdue: true },
    phase: 'Failed',
    ready: 'False PodFailed',
    state: 'Completed',
  },
  {
    title: 'crashing until its time was over',
    containers: [view(exited(1), { waiting: backOff, restartCount: 3 })],
    more: { overdue: true },
    phase: 'Failed',
    ready: 'False PodFailed',
    state: 'Error',
  },
];

for (const { title, containers, more, spec = {}, phase, ready, state } of cases) {
  test(`podStatus() with a Pod ${title}`, () => {
    const status = statusOf(containers, more, podOf(spec));
    assert.equal(status.phase, phase);
    const shown = condition(status, 'Ready');
    assert.equal([shown.status, shown.reason].filter(Boolean).join(' '), ready);
    assert.equal(condition(status, 'ContainersReady').status, shown.status);
    const [first] = status.containerStatuses ?? [];
    const name = first?.state.waiting?.reason ?? first?.state.terminated?.reason ?? 'running';
    assert.equal(`${name}${first?.ready === true ? ' ready' : ''}`, state);
  });
}

test('podStatus() never shows 0 for an exit code that nobody knows', () => {
  const [shown] = statusOf([view(exited(undefined))]).containerStatuses ?? [];
  assert.equal(shown?.state.terminated?.exitCode, 137);
});

test('podStatus() shows the crash before as the last state while it backs off', () => {
  const crashing = view(exited(3), { waiting: backOff, last: attempt('main', -1, exited(7)) });
  assert.equal(statusOf([crashing]).containerStatuses?.[0]?.lastState.terminated?.exitCode, 3);
  const again = view(running, { last: attempt('main', -1, exited(7)) });
  assert.equal(statusOf([again]).containerStatuses?.[0]?.lastState.terminated?.exitCode, 7);
});

test('podStatus() keeps transition times of what has not changed, and conditions of others', () => {
  const before: Pod = podOf(
    {},
    {
      status: {
        startTime: EARLIER,
        conditions: [
          { type: 'Ready', status: 'True', lastTransitionTime: EARLIER },
          {
            type: 'ContainersReady',
            status: 'False',
            reason: 'ContainersNotReady',
            lastTransitionTime: EARLIER,
          },
          { type: 'example.com/checked', status: 'True', lastTransitionTime: EARLIER },
        ],
      },
    },
  );
  const status = statusOf([view(running)], {}, before);
  assert.equal(status.startTime, EARLIER);
  assert.deepEqual(condition(status, 'Ready'), {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: EARLIER,
  });
  assert.equal(condition(status, 'ContainersReady').lastTransitionTime, '2026-01-01T12:00:00Z');
  assert.equal(condition(status, 'example.com/checked').lastTransitionTime, EARLIER);
  const again = statusOf([view(running)], { now: NOW + 60_000 }, podOf({}, { status }));
  assert.deepEqual(again, status, 'time alone changes nothing');
});

test('podStatus() says which init containers are still to come', () => {
  const initContainers = [view(exited(0), {}, 'first'), view(running, {}, 'second')];
  const status = statusOf([view(undefined)], { initContainers });
  const initialized = condition(status, 'Initialized');
  assert.equal(initialized.message, 'containers with incomplete status: [second]');
  assert.deepEqual(
    status.initContainerStatuses?.map(({ ready }) => ready),
    [true, false],
  );
});
