import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf } from './plan-world-fixture.ts';
import { disruptionBudget } from './settings.ts';
import { joinBatch, survivesWithout } from './plan-quorum.ts';
import { compareVersions, minorsBetween } from './versions.ts';

test('a role change is refused, and nothing is planned for that machine but words [k0sctl-014]', () => {
  const { plan, decision } = planOf({
    pools: [{ name: 'cp', role: 'controller', replicas: 1 }],
    machines: [{ name: 'c-cp-0', role: 'worker', version: '1.30.0' }],
    reset: { machines: [], force: true },
  });
  assert.deepEqual(
    plan.problems.map(({ reason }) => reason),
    ['RoleChange'],
  );
  assert.match(plan.problems[0]?.message ?? '', /role change is not supported/);
  assert.deepEqual(decision.steps, []);
});

test('a role that differs from what runs needs force to be reset [k0sctl-015]', () => {
  const world = {
    pools: [{ name: 'cp', role: 'controller', replicas: 2 }] as const,
    machines: [
      { name: 'c-cp-0', role: 'controller' },
      { name: 'c-cp-1', role: 'controller' },
    ] as const,
    notes: { 'c-cp-1': { runningRole: 'single' } },
  };
  const refused = planOf({ ...world, reset: { machines: ['c-cp-1'], force: false } });
  assert.match(refused.plan.problems[0]?.message ?? '', /--force/);
  assert.deepEqual(refused.decision.steps, []);
  const forced = planOf({ ...world, reset: { machines: ['c-cp-1'], force: true } });
  assert.deepEqual(forced.plan.problems, []);
  assert.deepEqual(
    forced.plan.items.map(({ machine, action }) => `${action} ${machine}`),
    ['delete c-cp-1'],
  );
});

test('all controllers are reset only with force', () => {
  const world = {
    pools: [{ name: 'cp', role: 'controller', replicas: 1 }] as const,
    machines: [{ name: 'c-cp-0', role: 'controller' }] as const,
  };
  const refused = planOf({ ...world, reset: { machines: ['c-cp-0'], force: false } });
  assert.equal(refused.plan.problems[0]?.reason, 'NoController');
  const forced = planOf({ ...world, reset: { machines: ['c-cp-0'], force: true } });
  assert.deepEqual(forced.plan.problems, []);
});

const THREE_WORKERS = {
  pools: [{ name: 'w', role: 'worker', replicas: 3 }] as const,
  version: '1.31.0',
  machines: ['c-w-0', 'c-w-1', 'c-w-2'].map((name) => ({
    name,
    role: 'worker' as const,
    version: '1.30.0',
  })),
};

test('several servers of Windlass without one place for their state are refused: they have no quorum', () => {
  const plan = (replicas: number, flags: readonly string[], distribution: 'Windlass' | 'K0s') =>
    planOf({
      distribution,
      pools: [{ name: 'cp', role: 'controller', replicas }],
      machines: [],
      distributionOptions: { flags },
    }).plan.problems.map(({ reason, message }) => `${reason}: ${message}`);
  const [problem = '', ...more] = plan(3, ['--log-level', 'debug'], 'Windlass');
  assert.match(problem, /^SeparateServers: spec\.pools has 3 controllers, .*have no quorum/);
  assert.match(problem, /--persistence nfs:PATH/);
  assert.deepEqual(more, []);
  // A file of each machine's own is none for all, and the first one is where a server writes.
  for (const flags of [
    ['--persistence', 'sqlite:/var/lib/state.db'],
    ['--persistence=sqlite:/var/lib/state.db', '--persistence=nfs:/srv/state'],
    ['--persistence'],
  ])
    assert.equal(plan(2, flags, 'Windlass').length, 1, flags.join(' '));
  for (const flags of [
    ['--persistence', 'nfs:/srv/state'],
    ['--persistence=s3://bucket/state', '--persistence', 'sqlite:/var/lib/state.db'],
  ])
    assert.deepEqual(plan(3, flags, 'Windlass'), []);
  assert.deepEqual(plan(1, [], 'Windlass'), []);
  assert.deepEqual(plan(3, [], 'K0s'), []);
});

test('a clock more than 30 s from the median stops everything [k0sctl-018]', () => {
  const offsets = (last: number): Parameters<typeof planOf>[0] => ({
    ...THREE_WORKERS,
    notes: {
      'c-w-0': { clockOffsetMs: -10_000 },
      'c-w-1': { clockOffsetMs: 10_000 },
      'c-w-2': { clockOffsetMs: last },
    },
  });
  const { plan, decision } = planOf(offsets(60_000));
  assert.equal(plan.problems[0]?.reason, 'ClockSkew');
  assert.match(plan.problems[0].message, /exceeds the maximum of 30 s.* on 1 hosts: c-w-2 50 s/);
  assert.deepEqual(decision.steps, []);
  assert.deepEqual(planOf(offsets(40_000)).plan.problems, []);
});

test('two machines of one host name are refused [k0sctl-019], also when only the case differs [k0sctl-020]', () => {
  for (const [one, other] of [
    ['worker-1', 'worker-1'],
    ['Worker-1', 'worker-1'],
  ] as const) {
    const { plan, decision } = planOf({
      ...THREE_WORKERS,
      notes: { 'c-w-0': { hostname: one }, 'c-w-2': { hostname: other } },
    });
    assert.equal(plan.problems[0]?.reason, 'DuplicateHostName');
    assert.match(plan.problems[0].message, /c-w-0 and c-w-2/);
    assert.deepEqual(decision.steps, []);
  }
});

test('a downgrade is refused, and so are controllers that skip a minor version', () => {
  const controllers = (version: string, distribution: 'Windlass' | 'K0s' = 'K0s') =>
    planOf({
      distribution,
      version,
      pools: [{ name: 'cp', role: 'controller', replicas: 1 }],
      machines: [{ name: 'c-cp-0', role: 'controller', version: 'v1.30.2+k0s.1' }],
    }).plan.problems.map(({ reason, message }) => `${reason}: ${message}`);
  assert.deepEqual(controllers('v1.30.2+k0s.0'), [
    "Downgrade: c-cp-0: can't perform a downgrade: v1.30.2+k0s.1 > v1.30.2+k0s.0",
  ]);
  assert.match(controllers('v1.32.0+k0s.0')[0] ?? '', /^VersionSkew: c-cp-0 runs v1.30.2/);
  assert.match(controllers('latest')[0] ?? '', /^InvalidVersion/);
  assert.deepEqual(controllers('v1.31.0+k0s.0'), []);
});

test('without a version in the spec nothing is upgraded, and new machines get what runs', () => {
  const { plan, input } = planOf({
    pools: [{ name: 'w', role: 'worker', replicas: 2 }],
    machines: [{ name: 'c-w-0', role: 'worker', version: '1.30.0' }],
  });
  assert.deepEqual(
    plan.items.map(({ machine, action }) => `${action} ${machine}`),
    ['create c-w-1'],
  );
  assert.equal(input.settings.version, undefined);
});

test('each class of change is named: in place, with a restart, another machine [ksail-085]', () => {
  const change = (template: object): readonly string[] =>
    planOf({
      pools: [{ name: 'w', role: 'worker', replicas: 1, template: { ...template } }],
      machines: [
        {
          name: 'c-w-0',
          role: 'worker',
          applied: { node: { labels: { a: '1' } }, connection: { type: 'Sim' } },
        },
      ],
    }).plan.items.map(({ action, disruption, reason }) => `${action} ${disruption}: ${reason}`);
  const same = { node: { labels: { a: '1' } }, connection: { type: 'Sim' } };
  assert.deepEqual(change(same), []);
  assert.deepEqual(change({ ...same, preflight: { ignore: ['swap'] } }), [
    'configure none: preflight changed',
  ]);
  assert.deepEqual(change({ ...same, node: { labels: { a: '2' } } }), [
    'update restart: node changed',
  ]);
  assert.deepEqual(change({ ...same, connection: { type: 'SSH' } }), [
    'recreate recreate: connection changed: it is another machine',
  ]);
});

test('25 % of 20 are 5, and small pools still have one [k0sctl-064]', () => {
  assert.equal(disruptionBudget('25%', 20), 5);
  assert.equal(disruptionBudget('10%', 5), 1);
  assert.equal(disruptionBudget('0%', 3), 1);
  assert.equal(disruptionBudget('100%', 3), 3);
  assert.equal(disruptionBudget(2, 1), 2);
});

test('controllers go and come in numbers that a quorum bears', () => {
  assert.equal(survivesWithout(3, 3, true), true);
  assert.equal(survivesWithout(3, 2, true), false);
  assert.equal(survivesWithout(3, 2, false), true);
  assert.equal(survivesWithout(5, 4, true), true);
  assert.equal(survivesWithout(5, 3, true), false);
  assert.equal(survivesWithout(1, 1, true), true);
  assert.equal(survivesWithout(2, 1, true), false);
  assert.deepEqual(
    [
      joinBatch(0, 3),
      joinBatch(1, 2),
      joinBatch(1, 1),
      joinBatch(2, 3),
      joinBatch(3, 2),
      joinBatch(7, 4),
    ],
    [1, 2, 1, 1, 1, 2],
  );
});

test('versions are ordered as their numbers are', () => {
  const versions = [
    'v1.9.0',
    'v1.30.1',
    'v1.30.2-rc.1',
    'v1.30.2-rc.2',
    'v1.30.2',
    'v1.30.2+k0s.1',
    '1.31.0',
  ];
  assert.deepEqual(versions.toReversed().toSorted(compareVersions), versions);
  assert.equal(compareVersions('v1.2.3', '1.2.3'), 0);
  assert.equal(minorsBetween('v1.30.9', '1.32.0'), 2);
  assert.equal(minorsBetween('1.30.9', '2.0.0'), Infinity);
});
