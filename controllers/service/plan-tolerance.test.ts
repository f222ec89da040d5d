import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from './instance.ts';
import { brief, input, instance, NOW, revision, settings, trio } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { Plan } from './plan-types.ts';
import type { Settings } from './settings.ts';

const bad = instance('x', {
  revision: 'v2',
  replaces: 'uid-a',
  createdAt: NOW - 61_000,
  readySince: undefined,
  trouble: 'container c: unwell',
});

function plan(instances: readonly Instance[], more: Partial<Settings> = {}): Plan {
  return planService(
    input({
      settings: settings({ failureAction: 'Continue', ...more }),
      target: revision('v2'),
      current: revision('v1'),
      instances,
    }),
  );
}

const open = ({ operations }: Plan): readonly string[] =>
  operations.filter(({ step }) => step !== 'wait').map(brief);

test('with Continue a failed instance gives way to the one it was to replace, and the rollout goes on', () => {
  const failed = plan([...trio, bad]);
  assert.equal(failed.failure, undefined);
  assert.deepEqual(open(failed), ['replace x start-first decline', 'replace b start-first create']);
});

test('what was kept stays kept, the failed one goes, and the others get their turn', () => {
  const kept = [{ ...(trio[0] as Instance), declined: 'v2' }, ...trio.slice(1), bad];
  const next = plan(kept);
  assert.deepEqual(open(next), ['replace b start-first create', 'remove x delete']);
  assert.equal(next.declined, 1);
  assert.ok(next.troubles.some((text) => text === 'a keeps revision v1: v2 failed in its place'));
  const other = planService(
    input({ target: revision('v3'), current: revision('v1'), instances: kept.slice(0, 3) }),
  );
  assert.deepEqual(open(other), ['replace a start-first create']);
});

test('without the old one, another of its revision is made before the failed one goes', () => {
  const gone = plan([...trio.slice(1), bad]);
  assert.deepEqual(open(gone).slice(0, 1), ['replace x stop-first restore']);
  const restored = instance('r', { declined: 'v2', replaces: 'uid-x', readySince: undefined });
  assert.deepEqual(open(plan([...trio.slice(1), bad, restored])).slice(0, 1), [
    'replace x stop-first delete',
  ]);
});

test('a share of failures is tolerated with the other actions too, and no more', () => {
  const tolerant = { failureAction: 'Pause', maxFailureRatio: 0.4 } as const;
  assert.equal(plan([...trio, bad], tolerant).failure, undefined);
  const second = instance('y', { ...bad, name: 'y', uid: 'uid-y', replaces: 'uid-b' });
  assert.match(plan([...trio, bad, second], tolerant).failure?.message ?? '', /^x: container c/);
  const kept = [{ ...(trio[0] as Instance), declined: 'v2' }, ...trio.slice(1), second];
  assert.match(plan(kept, tolerant).failure?.message ?? '', /^y: container c/);
});

test('an instance that crashes again and again fails after the monitor period, not at the deadline', () => {
  const crashing = { ...bad, createdAt: NOW - 5_000, crashLooping: true };
  const pause = { failureAction: 'Pause' } as const;
  assert.match(
    plan([...trio, crashing], pause).failure?.message ?? '',
    /^x: is restarting after monitor period \(5s\): container c: unwell$/,
  );
  const early = plan([...trio, { ...crashing, createdAt: NOW - 4_000 }], pause);
  assert.equal(early.failure, undefined);
  assert.equal(early.wakeInMs, 1_000);
});

test('placement moves what is not allowed where it is, and nothing else', () => {
  const moved = planService(
    input({ settings: settings({ placementNodes: ['n1'] }), instances: trio }),
  );
  assert.deepEqual(open(moved), ['replace b start-first create']);
  const [replace] = moved.operations;
  assert.equal(replace?.node, 'n1');
  assert.deepEqual(replace.reasons, ['node n2 is not in spec.placement.nodes']);
  const nowhere = planService(
    input({ settings: settings({ placementNodes: ['n9'] }), instances: trio }),
  );
  assert.deepEqual(open(nowhere), []);
  assert.match(
    nowhere.placementProblem,
    /n1 is not in spec\.placement\.nodes; .*n9 is not a node of this cluster$/,
  );
});
