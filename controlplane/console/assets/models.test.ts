// What pages say of objects: pure functions of what the server sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { abortChange, pauseChange, promoteChange, rollbackChange, scaleChange } from './action.ts';
import { ageOf } from './age.ts';
import { clusterNotes } from './cluster-notes.ts';
import { drainPlan } from './drain.ts';
import { linePoints } from './history.ts';
import { podState } from './instance.ts';
import { NO_LINES, withText } from './log-lines.ts';
import { secondsText, stepDetails } from './machine.ts';
import type { MachineStep } from './machine.ts';
import { differences } from './merge-patch.ts';
import type { Revision } from './revision.ts';
import { hashOf, routeOf } from './route.ts';
import { healthOf, operationText } from './service.ts';
import type { Service } from './service.ts';
import { codeIn, keepSession, keptSession } from './session.ts';
import { currentStep, stepTree } from './step-tree.ts';

const service: Service = {
  metadata: { name: 'web', generation: 2 },
  spec: { replicas: 3, template: { spec: { containers: [{ name: 'c', image: 'two' }] } } },
  status: { observedGeneration: 2, updateRevision: 'b', currentRevision: 'a', step: 1 },
};

test('routeOf() and hashOf() are the reverse of each other, whatever the names', () => {
  const path = ['services', 'a/b', 'c?d#e%'];
  assert.deepEqual(routeOf(hashOf(path, { namespace: 'x&y' })), {
    path,
    query: { namespace: 'x&y' },
  });
  assert.deepEqual(routeOf('#/services/%zz').path, ['services', '%zz']);
  assert.deepEqual(routeOf('').path, []);
});

test('healthOf() says the worst first', () => {
  const withStatus = (status: object): string =>
    healthOf({ ...service, status: { ...service.status, ...status } }).word;
  const condition = (type: string, status: string) => ({ type, status });
  assert.equal(withStatus({ observedGeneration: 1 }), 'Not looked at yet');
  assert.equal(withStatus({ awaitsPromotion: true }), 'Waits for promotion');
  assert.equal(
    withStatus({
      conditions: [condition('Ready', 'True'), condition('Degraded', 'True')],
    }),
    'Degraded',
  );
  assert.equal(withStatus({ conditions: [condition('Progressing', 'False')] }), 'Stopped');
  assert.equal(withStatus({ conditions: [condition('Ready', 'True')] }), 'Ready');
  assert.equal(withStatus({}), 'Rolling out');
});

test('operationText() is a sentence, also for words of a later server', () => {
  const operation = {
    op: 'replace',
    pod: 'web-1',
    node: 'm1',
    order: 'start-first',
    state: 'Done',
  };
  assert.equal(operationText(operation), 'replace web-1 on m1, the new one first');
  assert.equal(operationText({ op: 'constructor', state: 'Done' }), 'constructor');
});

test('scaleChange() takes whole numbers that the API can hold', () => {
  assert.deepEqual(scaleChange(service, '5').patch, { spec: { replicas: 5 } });
  assert.match(scaleChange(service, '1').meaning, /2 of 3 will be stopped/);
  for (const text of ['', '-1', '1.5', '3', '2147483648', 'x'])
    assert.equal(scaleChange(service, text).patch, undefined, text);
});

test('promoteChange() and abortChange() name the revision and the step that they are about', () => {
  assert.equal(promoteChange(service), undefined);
  const waiting = { ...service, status: { ...service.status, awaitsPromotion: true } };
  assert.deepEqual(promoteChange(waiting)?.patch, {
    metadata: { annotations: { 'windlass.dev/promote': 'b/2' } },
  });
  assert.deepEqual(abortChange(service)?.patch, {
    metadata: { annotations: { 'windlass.dev/abort': 'b' } },
  });
  const still = { ...service, status: { ...service.status, currentRevision: 'b' } };
  assert.equal(abortChange(still), undefined);
  assert.deepEqual(pauseChange(service).patch, { spec: { paused: true } });
});

function revision(hash: string, spec: Readonly<Record<string, unknown>>): Revision {
  return {
    metadata: { name: `web-${hash}`, labels: { 'windlass.dev/revision': hash } },
    revision: 1,
    data: { spec },
  };
}

test('rollbackChange() leads to exactly what the revision describes', () => {
  const one = revision('a', { template: { spec: { containers: [{ name: 'c', image: 'one' }] } } });
  const two = revision('b', { ...service.spec, volumes: [{ name: 'v' }] });
  const now = { ...service, spec: { ...service.spec, volumes: [{ name: 'v' }] } } as Service;
  assert.deepEqual(rollbackChange(now, [one, two], one).patch, {
    spec: {
      template: { spec: { containers: [{ name: 'c', image: 'one' }] } },
      volumes: null,
    },
  });
  const same = revision('c', one.data?.spec ?? {});
  const ambiguous = rollbackChange(now, [one, two, same], one);
  assert.equal(ambiguous.patch, undefined);
  assert.match(ambiguous.meaning, /windlass rollback web --to-revision 1/);
});

test('differences() names each field that is another', () => {
  assert.deepEqual(differences({ a: 1, b: { c: [1] } }, { a: 1, b: { c: [2] }, d: null }), [
    { path: 'b.c', before: [1], after: [2] },
    { path: 'd', before: undefined, after: null },
  ]);
  assert.deepEqual(differences({ a: [{ b: 1 }] }, { a: [{ b: 1 }] }), []);
});

test('withText() keeps what has no end yet, and only so many lines', () => {
  const some = withText(withText(NO_LINES, 'one\ntw'), 'o\nthree');
  assert.deepEqual(some.lines, ['one', 'two']);
  assert.equal(some.rest, 'three');
  const many = withText(NO_LINES, 'x\n'.repeat(1200));
  assert.equal(many.lines.length, 1000);
  assert.equal(many.first, 200);
  const endless = withText(NO_LINES, 'y'.repeat(40_000));
  assert.equal(endless.lines.length, 2);
  assert.equal(endless.rest.length, 40_000 - 2 * 16_384);
});

test('podState() says why an instance is not ready', () => {
  const status = {
    phase: 'Running',
    containerStatuses: [
      { name: 'c', state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } } },
    ],
  };
  assert.deepEqual(podState({ metadata: { name: 'p' }, status }), {
    tone: 'bad',
    word: 'CrashLoopBackOff',
    detail: 'back-off 10s',
  });
  assert.equal(podState({ metadata: { name: 'p' } }).word, 'Pending');
});

test('ageOf(), secondsText() and stepDetails() are short', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  assert.equal(ageOf('2026-11-22T11:59:18Z', now), '42s');
  assert.equal(ageOf('2026-11-22T08:48:00Z', now), '3h12m');
  assert.equal(ageOf('2026-11-17T12:00:00Z', now), '5d');
  assert.equal(ageOf(undefined, now), '');
  assert.equal(secondsText(0.00123), '1.2 ms');
  assert.equal(secondsText(undefined), '');
  const step = { name: 'Stage', state: 'Done', startedAt: '2026-11-22T11:00:00Z' };
  assert.equal(
    stepDetails({ ...step, finishedAt: '2026-11-22T11:00:12Z', attempt: 2, message: 'm' }),
    '12 s, attempt 2, m',
  );
});

test('stepTree() puts tasks below their step, and currentStep() is the innermost under way', () => {
  const step = (name: string, state = 'Done') => ({ name, state });
  const steps = [step('Check'), step('Build'), step('RootFS'), step('Initrd', 'Running')];
  const tree = stepTree([step('stray'), ...steps, step('Drain', 'Pending')]);
  assert.deepEqual(
    tree.map(({ step: { name }, tasks }) => [name, ...tasks.map((task) => task.name)]),
    [['stray'], ['Check'], ['Build', 'RootFS', 'Initrd'], ['Drain']],
  );
  assert.equal(currentStep(steps)?.name, 'Initrd');
  assert.equal(currentStep([step('Check', 'Failed'), step('Build', 'Pending')])?.name, 'Check');
  assert.equal(currentStep([step('Check')]), undefined);
});

test('clusterNotes() says what a machine is at, else why it failed, else what it waits for', () => {
  const notes = clusterNotes({
    metadata: { name: 'c' },
    status: {
      plan: [
        { machine: 'a', action: 'update', reason: 'version 1 becomes 2' },
        { machine: 'b', action: 'create' },
      ],
      rollout: { failed: [{ machine: 'a', reason: 'Timeout', message: 'no answer' }] },
    },
  });
  const machine = (name: string, metadata: object = {}, steps: readonly MachineStep[] = []) =>
    notes({ metadata: { name, ...metadata }, status: { steps } });
  assert.equal(machine('a'), 'Timeout: no answer');
  assert.equal(machine('b'), 'create');
  assert.equal(machine('c'), '');
  const running = { name: 'Drain', state: 'Running', attempt: 2, message: 'two left' };
  assert.equal(machine('a', {}, [running]), 'Drain, attempt 2, two left');
  assert.equal(machine('b', { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'is taken away');
});

test('a session is kept as it is, and what is no session is none', () => {
  const kept = new Map<string, string>();
  const place = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  assert.equal(keptSession(place), undefined);
  keepSession(place, { token: 't', user: 'ann', expires: 'e' });
  assert.deepEqual(keptSession(place), { token: 't', user: 'ann', expires: 'e' });
  for (const [key] of kept) kept.set(key, '{"token": 7}');
  assert.equal(keptSession(place), undefined);
  assert.equal(codeIn('#code=abc'), 'abc');
  assert.equal(codeIn('#/services?code=abc'), undefined);
});

test('drainPlan() moves what is made again, and leaves what would be lost or would come back', () => {
  const by = (kind: string) => [{ kind, name: 'web', controller: true }];
  const pod = (name: string, metadata: object, spec: object = {}, status: object = {}) => ({
    metadata: { name, namespace: 'default', ...metadata },
    spec,
    status,
  });
  const owned = { ownerReferences: by('Service') };
  const plan = drainPlan('n1', [
    pod('instance', owned),
    pod('stopping', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    pod('static', { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    pod('ended', owned, {}, { phase: 'Succeeded' }),
    pod('everywhere', { ownerReferences: by('DaemonSet') }),
    pod('scratch', owned, { volumes: [{ emptyDir: {} }] }),
    pod('bare', { ownerReferences: [{ kind: 'Node', name: 'n1' }] }),
    pod('pinned', owned, {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
            ],
          },
        },
      },
      tolerations: [{ operator: 'Exists' }],
    }),
    pod('kept', owned, { volumes: [{ persistentVolumeClaim: { claimName: 'data' } }] }),
  ]);
  assert.deepEqual(
    plan.map((step) => `${step.pod.metadata.name} ${step.does}: ${step.note}`),
    [
      'instance goes: Service web makes it again',
      'stopping goes: is stopping already',
      'static stays: the node itself runs it',
      'ended stays: has ended, nothing of it runs',
      'everywhere stays: DaemonSet web keeps one on each node',
      'scratch stays: its emptyDir data would be lost: windlass node drain n1 --delete-emptydir-data',
      'bare stays: nothing makes it again: windlass node drain n1 --force',
      'pinned stays: Service web keeps one on each node',
      'kept stays: the data of its volume data may be here alone: windlass node drain n1 says, and evicts it',
    ],
  );
});

test('linePoints() begins at the right, and the highest value touches the top', () => {
  assert.equal(linePoints([0]), '120,24');
  assert.equal(linePoints([1, 2, 0]), '115.9,12 118,0 120,24');
  assert.equal(linePoints(Array.from({ length: 60 }, () => 1)).split(' ')[0], '0,0');
});
