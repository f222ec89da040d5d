import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOf } from './await-rollout.ts';
import { hasTrouble, logTail } from './log-tail.ts';
import type { InstancePod } from './log-tail.ts';

const signal = new AbortController().signal;

test('endOf() knows ready, failed and paused, of the present spec only', () => {
  const service = (observedGeneration: number, ...conditions: readonly object[]): object => ({
    metadata: { name: 'web', generation: 2 },
    status: { observedGeneration, conditions, readyReplicas: 1, desiredReplicas: 1 },
  });
  const end = (...args: Parameters<typeof service>): string | undefined =>
    endOf(service(...args) as Parameters<typeof endOf>[0])?.state;
  const paused = { type: 'Progressing', status: 'Unknown', reason: 'Paused' };
  assert.equal(end(2, { type: 'Ready', status: 'True' }), 'ready');
  assert.equal(end(2, { type: 'Progressing', status: 'False', reason: 'X' }), 'failed');
  assert.equal(end(2, paused), 'paused');
  const ready = { type: 'Ready', status: 'True' };
  const waits = { ...service(2, ready), status: { observedGeneration: 2, awaitsPromotion: true } };
  const awaiting = endOf(waits as unknown as Parameters<typeof endOf>[0]);
  assert.deepEqual(awaiting, { state: 'awaiting', step: 1 });
  assert.equal(end(1, paused), undefined);
  assert.equal(end(2, { type: 'Progressing', status: 'True' }), undefined);
});

function pod(change: object, containers: readonly string[] = ['c']): InstancePod {
  return {
    metadata: {
      name: 'web-a',
      namespace: 'default',
      uid: '',
      resourceVersion: '',
      creationTimestamp: '',
    },
    spec: { containers: containers.map((name) => ({ name })) },
    status: change,
  };
}

test('hasTrouble() sees restarts, bad ends and failed Pods', () => {
  const of = (status: object): boolean => hasTrouble(pod({ containerStatuses: [status] }));
  assert.equal(of({ restartCount: 0, state: {} }), false);
  assert.equal(of({ restartCount: 1 }), true);
  assert.equal(of({ state: { terminated: { exitCode: 3 } } }), true);
  assert.equal(of({ state: { terminated: { exitCode: 0 } } }), false);
  assert.equal(hasTrouble(pod({ phase: 'Failed' })), true);
});

test('logTail() reads the troubled container, and its end before where it has said nothing since', async () => {
  const asked: string[] = [];
  const reader = {
    getText: (path: string): Promise<string> => {
      asked.push(path.replace(/^.*\?/, ''));
      return asked.length === 1
        ? Promise.reject(new Error('waiting'))
        : Promise.resolve('a\n\nb\n');
    },
  };
  const statuses = [
    { name: 'c', ready: true },
    { name: 'd', ready: false },
  ];
  const sick = pod({ containerStatuses: statuses }, ['c', 'd']);
  assert.deepEqual(await logTail(reader, sick, 10, signal), ['a', 'b']);
  assert.deepEqual(asked, ['container=d&tailLines=10', 'container=d&tailLines=10&previous=true']);
  assert.deepEqual(await logTail({ getText: () => Promise.resolve('') }, pod({}), 10, signal), []);
});
