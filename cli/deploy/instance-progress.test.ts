import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceProgress } from './instance-progress.ts';
import type { ProgressPod } from './instance-progress.ts';

const NOW = Date.parse('2026-01-01T00:00:10Z');
const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:07Z' };
const node = { nodeName: 'm1' };
const probed = { ...node, containers: [{ name: 'c', readinessProbe: {} }] };
const waiting = (reason: string, message?: string): object => ({
  containerStatuses: [{ state: { waiting: { reason, message } } }],
});

const STATES: readonly (readonly [text: string, pod: object, spec?: object])[] = [
  ['Waiting for a node', { phase: 'Pending' }, {}],
  [
    'Waiting for a node: 0/1 nodes; none fits',
    { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes\n none fits' }] },
    {},
  ],
  ['Starting', { phase: 'Pending' }],
  ['Starting', waiting('ContainerCreating')],
  ['Pulling', waiting('ContainerCreating', 'pulling image nginx: 3 of 7 layers')],
  ['Health checking', { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }],
  [
    'Health checking: connection refused (restarted once)',
    {
      phase: 'Running',
      containerStatuses: [{ restartCount: 1 }],
      conditions: [{ type: 'Ready', status: 'False', message: 'connection refused' }],
    },
  ],
  ['Monitoring (5s)', { phase: 'Running', conditions: [ready] }],
  ['Healthy', { phase: 'Running', conditions: [ready] }, probed],
  ['Unhealthy (CrashLoopBackOff: back-off 10s)', waiting('CrashLoopBackOff', 'back-off 10s')],
  ['Unhealthy (ErrImagePull: no such image)', waiting('ErrImagePull', 'no such image')],
  [
    'Unhealthy (ended: Error, exit code 3)',
    { containerStatuses: [{ state: { terminated: { reason: 'Error', exitCode: 3 } } }] },
  ],
];

for (const [text, status, spec = node] of STATES) {
  test(`instanceProgress() says ${text}`, () => {
    const pod = { metadata: { name: 'a' }, spec, status } as ProgressPod;
    assert.equal(instanceProgress(pod, 5_000, NOW).text, text);
  });
}

test('instanceProgress() says when monitoring ends, and that an instance stops', () => {
  const pod = { metadata: { name: 'a' }, spec: node, status: { conditions: [ready] } };
  assert.equal(instanceProgress(pod, 5_000, NOW).changesInMs, 2_000);
  assert.deepEqual(instanceProgress(pod, 3_000, NOW), { text: 'Healthy' });
  const metadata = { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' };
  assert.deepEqual(instanceProgress({ ...pod, metadata }, 5_000, NOW), { text: 'Stopping' });
});

test('instanceProgress() tells of hooks', () => {
  const hook = (status: object, name = 'preDeploy'): string =>
    instanceProgress(
      { metadata: { name: 'a', labels: { 'windlass.dev/hook': name } }, spec: node, status },
      5_000,
      NOW,
    ).text;
  assert.equal(hook({ phase: 'Pending' }), 'Pre-deploy hook: Starting');
  assert.equal(hook({ phase: 'Running' }), 'Pre-deploy hook: Running');
  assert.equal(hook({ phase: 'Succeeded' }, 'postDeploy'), 'Post-deploy hook: Done');
  const ended = [{ state: { terminated: { reason: 'Error', exitCode: 1 } } }];
  assert.equal(
    hook({ phase: 'Failed', containerStatuses: ended }),
    'Pre-deploy hook: Failed (ended: Error, exit code 1)',
  );
});
