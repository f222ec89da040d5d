import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, input, instance, node, NOW, revision, settings, trio } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { PlanInput } from './plan-types.ts';

const toV2 = { target: revision('v2'), current: revision('v1') };
const starting = { revision: 'v2', createdAt: NOW - 1_000, readySince: undefined };

const cases: readonly {
  readonly name: string;
  readonly input: Partial<PlanInput>;
  readonly expected: readonly string[];
  readonly complete?: boolean;
}[] = [
  {
    name: 'spreads the first instances over the nodes',
    input: { current: undefined },
    expected: ['run n1 create', 'run n2 create', 'run n1 create'],
  },
  {
    name: 'touches nothing when nothing changed',
    input: { instances: trio },
    expected: [],
    complete: true,
  },
  {
    name: 'replaces the oldest first, one at a time',
    input: { ...toV2, instances: trio },
    expected: [
      'replace a start-first create',
      'replace b start-first wait',
      'replace c start-first wait',
    ],
  },
  {
    name: 'waits for the new instance before it stops the old one',
    input: { ...toV2, instances: [...trio, instance('x', { ...starting, replaces: 'uid-a' })] },
    expected: [
      'replace a start-first wait',
      'replace b start-first wait',
      'replace c start-first wait',
    ],
  },
  {
    name: 'stops the old instance once the new one is ready',
    input: {
      ...toV2,
      instances: [...trio, instance('x', { ...starting, readySince: NOW, replaces: 'uid-a' })],
    },
    expected: [
      'replace a start-first delete',
      'replace b start-first wait',
      'replace c start-first wait',
    ],
  },
  {
    name: 'watches a new instance without probes for the monitor period',
    input: {
      ...toV2,
      instances: [
        ...trio,
        instance('x', { ...starting, readySince: NOW - 4_999, probed: false, replaces: 'uid-a' }),
      ],
    },
    expected: [
      'replace a start-first wait',
      'replace b start-first wait',
      'replace c start-first wait',
    ],
  },
  {
    name: 'waits until the old instance is gone',
    input: {
      ...toV2,
      instances: [
        instance('a', { terminating: true, readySince: undefined }),
        ...trio.slice(1),
        instance('x', { revision: 'v2', replaces: 'uid-a' }),
      ],
    },
    expected: [
      'run n1 done',
      'replace b start-first wait',
      'replace c start-first wait',
      'remove a wait',
    ],
  },
  {
    name: 'does not wait for an instance on a node that is away',
    input: {
      ...toV2,
      instances: [
        instance('a', { terminating: true, readySince: undefined, reachable: false }),
        ...trio.slice(1),
        instance('x', { revision: 'v2', replaces: 'uid-a' }),
      ],
    },
    expected: ['run n1 done', 'replace b start-first create', 'replace c start-first wait'],
  },
  {
    name: 'stops the old instance first when told to',
    input: { ...toV2, instances: trio, settings: settings({ order: 'StopFirst' }) },
    expected: [
      'replace a stop-first delete',
      'replace b stop-first wait',
      'replace c stop-first wait',
    ],
  },
  {
    name: 'holds the new instance back until the old one is gone in stop-first order',
    input: {
      ...toV2,
      settings: settings({ order: 'StopFirst', replicas: 1 }),
      nodes: [node('n1')],
      instances: [instance('a', { terminating: true })],
    },
    expected: ['run n1 wait', 'remove a wait'],
  },
  {
    name: 'replaces as many at a time as maxParallel allows',
    input: { ...toV2, instances: trio, settings: settings({ maxParallel: 2 }) },
    expected: [
      'replace a start-first create',
      'replace b start-first create',
      'replace c start-first wait',
    ],
  },
  {
    name: 'scales down: not ready first, then newest',
    input: {
      settings: settings({ replicas: 1 }),
      instances: [...trio, instance('d', { createdAt: 0, readySince: undefined })],
    },
    expected: ['remove b delete', 'remove c delete', 'remove d delete'],
  },
  {
    name: 'scales to nothing',
    input: { settings: settings({ replicas: 0 }), instances: trio },
    expected: ['remove a delete', 'remove b delete', 'remove c delete'],
  },
  {
    name: 'makes up for an instance that ended',
    input: { instances: [...trio.slice(1), instance('a', { ended: true, readySince: undefined })] },
    expected: ['run n1 create', 'remove a delete'],
  },
  {
    name: 'makes up for an instance whose node is gone',
    input: {
      instances: [
        ...trio.slice(1),
        instance('a', { node: 'n9', orphaned: true, readySince: undefined }),
      ],
    },
    expected: ['run n1 create', 'remove a delete'],
  },
  {
    name: 'says why no node will do',
    input: { settings: settings({ replicas: 1 }), nodes: [node('n1', { unschedulable: true })] },
    expected: ['run - wait'],
  },
  {
    name: 'starts no replace while paused',
    input: { ...toV2, instances: trio, settings: settings({ paused: true }) },
    expected: [],
  },
  {
    name: 'repairs with the old revision while paused',
    input: { ...toV2, instances: trio.slice(0, 2), settings: settings({ paused: true }) },
    expected: ['run n1 create'],
  },
  {
    name: 'drops a successor that the spec has left behind',
    input: {
      target: revision('v1'),
      current: revision('v1'),
      instances: [...trio, instance('x', { ...starting, replaces: 'uid-a' })],
    },
    expected: ['remove x delete'],
  },
  {
    name: 'runs one instance on each node in mode Global',
    input: { settings: settings({ mode: 'Global' }), instances: [instance('a', { node: 'n1' })] },
    expected: ['run n2 create'],
  },
  {
    name: 'keeps the instance of a cordoned node in mode Global',
    input: {
      settings: settings({ mode: 'Global' }),
      nodes: [node('n1', { unschedulable: true }), node('n2')],
      instances: [instance('a', { node: 'n1' }), instance('b', { node: 'n2' })],
    },
    expected: [],
    complete: true,
  },
  {
    name: 'removes the instance of a node that no longer fits in mode Global',
    input: {
      settings: settings({ mode: 'Global' }),
      nodes: [node('n1', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }), node('n2')],
      instances: [instance('a', { node: 'n1' }), instance('b', { node: 'n2' })],
    },
    expected: ['remove a delete'],
  },
  {
    name: 'stops everything before anything starts with Recreate',
    input: { ...toV2, instances: trio, settings: settings({ type: 'Recreate' }) },
    expected: [
      'replace a stop-first delete',
      'replace b stop-first delete',
      'replace c stop-first delete',
    ],
  },
  {
    name: 'moves an outdated instance away from a cordoned node',
    input: {
      ...toV2,
      settings: settings({ replicas: 1 }),
      nodes: [node('n1', { unschedulable: true }), node('n2')],
      instances: [instance('a', { node: 'n1' })],
    },
    expected: ['replace a start-first create'],
  },
];

for (const { name, input: change, expected, complete = false } of cases) {
  test(`planService() ${name}`, () => {
    const plan = planService(input(change));
    assert.deepEqual(plan.operations.map(brief), expected);
    assert.equal(plan.complete, complete);
  });
}

test('planService() stops a rollout whose new instance misses its deadline, and marks it only if the evidence would go', () => {
  const late = instance('x', {
    ...starting,
    createdAt: NOW - 60_000,
    replaces: 'uid-a',
    trouble: 'container c: ErrImagePull',
  });
  const start = planService(input({ ...toV2, instances: [...trio, late] }));
  assert.deepEqual(start.failure, {
    message: 'x: container c: ErrImagePull',
    mark: false,
    pod: 'x',
  });
  assert.ok(start.operations.every(({ step }) => step === 'wait'));

  const stopFirst = settings({ order: 'StopFirst' });
  const stop = planService(
    input({
      ...toV2,
      settings: stopFirst,
      instances: [...trio.slice(1), { ...late, replaces: undefined }],
    }),
  );
  assert.equal(stop.failure?.mark, true);
});

test('planService() restores the old revision after a marked failure and leaves what serves', () => {
  const failed = { target: revision('v2', { failure: 'x: it broke' }), current: revision('v1') };
  const serving = instance('y', { revision: 'v2', createdAt: 5 });
  const broken = instance('x', { ...starting, node: 'n2' });
  const plan = planService(
    input({
      ...failed,
      settings: settings({ order: 'StopFirst' }),
      instances: [trio[1]!, serving, broken],
    }),
  );
  assert.deepEqual(plan.operations.map(brief), ['replace x stop-first delete']);
  const next = planService(
    input({
      ...failed,
      settings: settings({ order: 'StopFirst' }),
      instances: [trio[1]!, serving],
    }),
  );
  const [run] = next.operations;
  assert.equal(run?.op === 'run' && run.step === 'create' && run.revision, 'v1');
});

test('planService() brings every instance back with failureAction Rollback', () => {
  const plan = planService(
    input({
      target: revision('v2', { failure: 'x: it broke' }),
      current: revision('v1'),
      settings: settings({ failureAction: 'Rollback' }),
      instances: [trio[0]!, trio[1]!, instance('y', { revision: 'v2' })],
    }),
  );
  assert.deepEqual(plan.operations.map(brief), ['replace y start-first create']);
  assert.equal(plan.complete, false);
});

test('planService() names what a replace changes and which node was rejected why', () => {
  const plan = planService(
    input({ ...toV2, instances: trio, nodes: [node('n1'), node('n2', { ready: false })] }),
  );
  assert.equal(plan.operations[0]?.reasons[0], 'spec.containers[c].image: v1 → v2');
  assert.deepEqual(plan.rejected, [{ node: 'n2', reason: 'is not ready' }]);
});

test('planService() takes back what was pinned to a node that no longer takes it', () => {
  const unbound = instance('u', { node: 'n2', bound: false, readySince: undefined });
  const cordoned = [node('n1'), node('n2', { unschedulable: true })];
  const plan = planService(input({ instances: [...trio.slice(1), unbound], nodes: cordoned }));
  assert.deepEqual(plan.operations.map(brief), ['run n1 create', 'remove u delete']);
  assert.match(plan.operations[1]?.reasons[0] ?? '', /^node n2 does not take it any more$/);
  const nowhere = cordoned.map((facts) => ({ ...facts, unschedulable: true }));
  const waiting = planService(input({ instances: [...trio.slice(1), unbound], nodes: nowhere }));
  assert.deepEqual(waiting.operations.map(brief), ['run n2 wait']);
});

test('planService() counts no time in which nobody was watching', () => {
  const slow = { ...starting, createdAt: NOW - 3_600_000, replaces: 'uid-a' };
  const late = { ...toV2, instances: [...trio, instance('x', slow)] };
  assert.match(planService(input(late)).failure?.message ?? '', /^x: it never became ready$/);
  assert.equal(planService(input({ ...late, watchingSince: NOW - 1_000 })).failure, undefined);
});

test('planService() keeps instances of a global service on a node that is away', () => {
  const away = node('n2', {
    ready: false,
    taints: [
      { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
    ],
  });
  const plan = planService(
    input({
      settings: settings({ mode: 'Global' }),
      nodes: [node('n1'), away],
      instances: [
        instance('a', { node: 'n1' }),
        instance('b', { node: 'n2', readySince: undefined }),
      ],
    }),
  );
  assert.deepEqual(plan.operations.map(brief), ['run n2 wait']);
});
