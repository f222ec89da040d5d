import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  complaintOf,
  describeInstance,
  isFailing,
  outcomeOf,
  troubledContainer,
} from './rollout.ts';
import type { PodView, ServiceView } from './rollout.ts';

const metadata = { name: 'web-abcde' };
const spec = { nodeName: 'here' };
const ready = [{ type: 'Ready', status: 'True' }];

const INSTANCES: readonly (readonly [PodView, string])[] = [
  [{ metadata }, 'waiting for a node'],
  [
    {
      metadata,
      status: { conditions: [{ type: 'PodScheduled', status: 'False', message: 'no node fits' }] },
    },
    'waiting: no node fits',
  ],
  [{ metadata, spec, status: { phase: 'Pending' } }, 'starting'],
  [
    {
      metadata,
      spec,
      status: { containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] },
    },
    'starting',
  ],
  [
    {
      metadata,
      spec,
      status: {
        phase: 'Pending',
        containerStatuses: [
          { state: { waiting: { reason: 'RunContainerError', message: 'no such\nprogram' } } },
        ],
      },
    },
    'RunContainerError: no such; program',
  ],
  [
    {
      metadata,
      spec,
      status: {
        phase: 'Running',
        containerStatuses: [
          { restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } },
        ],
      },
    },
    'CrashLoopBackOff (restarted 2 times)',
  ],
  [
    {
      metadata,
      spec,
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            restartCount: 1,
            state: {
              waiting: {
                reason: 'CrashLoopBackOff',
                message: 'back-off 10s restarting failed container=web pod=web-abcde',
              },
            },
            lastState: { terminated: { exitCode: 3 } },
          },
        ],
      },
    },
    'CrashLoopBackOff, exit code 3: back-off 10s (restarted once)',
  ],
  [{ metadata, spec, status: { phase: 'Running' } }, 'running, not ready yet'],
  [{ metadata, spec, status: { phase: 'Running', conditions: ready } }, 'ready'],
  [
    {
      metadata,
      spec,
      status: { phase: 'Running', conditions: ready, containerStatuses: [{ restartCount: 1 }] },
    },
    'ready (restarted once)',
  ],
  [
    {
      metadata,
      spec,
      status: {
        phase: 'Running',
        containerStatuses: [{ state: { terminated: { reason: 'Error', exitCode: 3 } } }],
      },
    },
    'ended: Error, exit code 3',
  ],
  [
    {
      metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec,
      status: { conditions: ready },
    },
    'stopping',
  ],
];

for (const [pod, expected] of INSTANCES) {
  test(`describeInstance() says "${expected}"`, () => {
    assert.equal(describeInstance(pod), expected);
  });
}

function service(
  observedGeneration: number,
  conditions: NonNullable<NonNullable<ServiceView['status']>['conditions']>,
): ServiceView {
  return {
    metadata: { name: 'web', generation: 2 },
    status: { observedGeneration, conditions, readyReplicas: 3, desiredReplicas: 3 },
  };
}

test('outcomeOf() waits for the controller to have seen the newest spec', () => {
  assert.deepEqual(outcomeOf({ metadata: { name: 'web' } }), { state: 'rolling' });
  assert.deepEqual(outcomeOf(service(1, ready)), { state: 'rolling' });
  assert.deepEqual(outcomeOf(service(2, ready)), { state: 'ready', ready: 3, desired: 3 });
});

test('outcomeOf() tells rolling, ready and failed apart', () => {
  const progressing = { type: 'Progressing', status: 'True', reason: 'RolledOut' };
  const failed = { type: 'Progressing', status: 'False', reason: 'Failed', message: 'it exits' };
  assert.equal(outcomeOf(service(2, [...ready, progressing])).state, 'ready');
  assert.equal(outcomeOf(service(2, [{ type: 'Ready', status: 'False' }])).state, 'rolling');
  assert.deepEqual(outcomeOf(service(2, [{ type: 'Ready', status: 'False' }, failed])), {
    state: 'failed',
    message: 'Failed: it exits',
  });
});

test('isFailing() is true for what waiting does not mend', () => {
  const waiting = (reason: string): PodView => ({
    metadata,
    status: { containerStatuses: [{ state: { waiting: { reason } } }] },
  });
  assert.equal(isFailing(waiting('ContainerCreating')), false);
  assert.equal(isFailing(waiting('PodInitializing')), false);
  assert.equal(isFailing(waiting('CrashLoopBackOff')), true);
  const { status } = waiting('CrashLoopBackOff');
  const leaving = { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  assert.equal(
    isFailing({ metadata: leaving, ...(status === undefined ? {} : { status }) }),
    false,
  );
  assert.equal(isFailing({ metadata, status: { phase: 'Running' } }), false);
});

test('complaintOf() and troubledContainer() name what keeps an instance from being ready', () => {
  const pod: PodView = {
    metadata,
    status: {
      conditions: [{ type: 'Ready', status: 'False', message: 'probe of b:\n503' }],
      containerStatuses: [
        { name: 'a', ready: true },
        { name: 'b', ready: false },
      ],
    },
  };
  assert.equal(complaintOf(pod), 'probe of b:; 503');
  assert.equal(troubledContainer(pod), 'b');
  assert.equal(complaintOf({ metadata, status: { conditions: ready } }), undefined);
});
