// What a preview promises is what the planner does when it is followed step by step to the end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Instance } from './instance.ts';
import { input, instance, node, NOW, revision, settings } from './plan-fixture.ts';
import { planRollout } from './plan-rollout.ts';
import type { RolloutOperation } from './plan-rollout.ts';
import { planService } from './plan.ts';
import type { PlanInput } from './plan-types.ts';

const v2 = { target: revision('v2'), current: revision('v1') };

function brief(operations: readonly RolloutOperation[]): readonly string[] {
  return operations.map(({ op, node, pod = '', order = '' }) =>
    [op, pod, node, order].filter((part) => part !== '').join(' '),
  );
}

interface Case {
  readonly name: string;
  readonly input: Partial<PlanInput>;
  readonly expected: readonly string[];
  readonly held?: RegExp;
}

const three = ['a', 'b', 'c'].map((name) => instance(name));

const CASES: readonly Case[] = [
  { name: 'nothing of what is as it should be', input: { instances: three }, expected: [] },
  { name: 'every first instance', input: {}, expected: ['run n1', 'run n2', 'run n1'] },
  {
    name: 'every replace, whatever may be under way at once',
    input: { ...v2, instances: three },
    // The last of three on one node goes where none is: it is made anew anyway.
    expected: ['replace a n1 start-first', 'replace b n1 start-first', 'replace c n2 start-first'],
  },
  {
    name: 'what is left of a rollout that has begun',
    input: {
      ...v2,
      instances: [...three, instance('d', { revision: 'v2', replaces: 'uid-a', node: 'n2' })],
    },
    expected: ['replace a n2 start-first', 'replace b n1 start-first', 'replace c n1 start-first'],
  },
  {
    name: 'nothing of an instance that is starting or stopping',
    input: {
      instances: [
        ...three.slice(1),
        instance('d', { readySince: undefined }),
        instance('e', { terminating: true }),
      ],
    },
    expected: [],
  },
  {
    name: 'what takes the place of an instance that has just ended',
    input: {
      instances: [
        ...three.slice(1),
        instance('d', { ended: true, readySince: undefined, createdAt: NOW, trouble: 'exit 1' }),
      ],
    },
    expected: ['remove d n1', 'run n1'],
  },
  {
    name: 'removals when there are too many',
    input: { settings: settings({ replicas: 1 }), instances: three },
    expected: ['remove b n1', 'remove c n1'],
  },
  {
    name: 'runs without a node where none is eligible',
    input: { nodes: [node('n1', { ready: false })], settings: settings({ replicas: 1 }) },
    expected: ['run'],
  },
  {
    name: 'nothing new while paused, and says so',
    input: { ...v2, instances: three, settings: settings({ paused: true }) },
    expected: [],
    held: /spec\.paused is true/,
  },
  {
    name: 'that a failed rollout is undone, and why',
    input: {
      target: revision('v2', { failure: 'x: exit 1' }),
      current: revision('v1'),
      instances: [...three.slice(1), instance('x', { revision: 'v2', readySince: undefined })],
    },
    expected: ['replace x n1 start-first'],
    held: /failed: x: exit 1/,
  },
];

for (const { name, input: change, expected, held } of CASES) {
  test(`planRollout() shows ${name}`, () => {
    const plan = planRollout(input(change));
    assert.deepEqual(brief(plan.operations), expected);
    if (held === undefined) assert.equal(plan.held, undefined);
    else assert.match(plan.held ?? '', held);
    assert.ok(plan.operations.every(({ reasons }) => reasons.some((reason) => reason !== '')));
  });
}

test('planRollout() says for each node why it takes no instance', () => {
  const nodes = [node('n1', { ready: false }), node('n2', { unschedulable: true })];
  const { operations, rejected } = planRollout(input({ nodes }));
  assert.deepEqual(
    rejected.map(({ node }) => node),
    ['n1', 'n2'],
  );
  assert.match(operations[0]?.reasons.join() ?? '', /n1 is not ready; n2 is cordoned/);
});

interface Done {
  readonly created: readonly string[];
  readonly replaced: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** Follows the planner to the end in a world where everything succeeds. */
function follow(start: PlanInput): Done {
  let { instances, now } = start;
  const created: string[] = [];
  const replaced = new Set<string>();
  const removed = new Set<string>();
  for (let round = 0; round < 200; round += 1) {
    now += 60_000;
    const plan = planService({ ...start, instances, now });
    if (plan.complete) return { created, replaced, removed };
    const gone = new Set(instances.filter(({ terminating }) => terminating).map(({ uid }) => uid));
    const made: Instance[] = [];
    for (const operation of plan.operations) {
      if (operation.op === 'replace' && operation.step !== 'wait') replaced.add(operation.pod);
      if (operation.op === 'remove' && operation.step !== 'wait') removed.add(operation.pod);
      if (operation.step === 'delete') gone.add(operation.uid);
      if (operation.step !== 'create' || !('revision' in operation)) continue;
      created.push(operation.node);
      const replaces = operation.op === 'replace' ? operation.uid : undefined;
      const { node, revision } = operation;
      const name = `new-${created.length}`;
      made.push(instance(name, { node, revision, createdAt: now, readySince: now, replaces }));
    }
    instances = [...instances.filter(({ uid }) => !gone.has(uid)), ...made];
  }
  throw new Error('the rollout does not end');
}

const anyInstance = fc.record({
  id: fc.nat(30),
  revision: fc.constantFrom('v1', 'v2'),
  node: fc.constantFrom('n1', 'n2', 'n3'),
  ended: fc.boolean(),
  createdAt: fc.nat(5),
});

test('planRollout() promises what the planner does step by step', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyInstance, { selector: ({ id }) => id, maxLength: 8 }),
      fc.constantFrom('Replicated' as const, 'Global' as const),
      fc.constantFrom('StartFirst' as const, 'StopFirst' as const),
      fc.nat(6),
      fc.integer({ min: 1, max: 3 }),
      (list, mode, order, replicas, maxParallel) => {
        const instances = list.map(({ id, ended, ...change }) =>
          instance(`i${id}`, ended ? { ...change, ended, readySince: undefined } : change),
        );
        const start = input({
          ...v2,
          // An ended instance of a new revision is a failure: that one is held, not followed.
          instances: instances.filter(({ ended, revision }) => !ended || revision === 'v1'),
          nodes: ['n1', 'n2', 'n3'].map((name) => node(name)),
          settings: settings({ mode, order, replicas, maxParallel }),
        });
        const { operations } = planRollout(start);
        const done = follow(start);
        const of = (op: RolloutOperation['op']): readonly RolloutOperation[] =>
          operations.filter((operation) => operation.op === op);
        const pods = (op: RolloutOperation['op']): readonly string[] =>
          of(op)
            .map(({ pod = '' }) => pod)
            .toSorted();
        assert.deepEqual(pods('replace'), [...done.replaced].toSorted());
        assert.deepEqual(pods('remove'), [...done.removed].toSorted());
        const promised = [...of('run'), ...of('replace')].map(({ node }) => node);
        assert.equal(promised.length, done.created.length);
        if (order === 'StartFirst' || mode === 'Global')
          assert.deepEqual(promised.toSorted(), done.created.toSorted());
      },
    ),
    { numRuns: 200 },
  );
});
