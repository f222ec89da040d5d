import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from './instance.ts';
import { brief, input, instance, NOW, revision, settings, trio } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { Plan, PlanInput } from './plan-types.ts';
import type { Settings } from './settings.ts';

const green: readonly Instance[] = ['x', 'y', 'z'].map((name) =>
  instance(name, { revision: 'v2', createdAt: NOW - 1_000, readySince: NOW - 500 }),
);

function plan(
  instances: readonly Instance[],
  change: Partial<PlanInput> = {},
  more: Partial<Settings> = {},
): Plan {
  return planService(
    input({
      settings: settings({ type: 'BlueGreen', ...more }),
      target: revision('v2'),
      current: revision('v1'),
      activeRevision: 'v1',
      instances,
      ...change,
    }),
  );
}

const open = ({ operations }: Plan): readonly string[] =>
  operations.filter(({ state }) => state === 'InProgress').map(brief);

test('a full second set starts beside the first, which keeps the traffic', () => {
  const begun = plan(trio);
  assert.deepEqual(open(begun), ['run n1 create', 'run n2 create', 'run n1 create']);
  assert.equal(begun.activeRevision, 'v1');
  assert.equal(begun.complete, false);
});

test('nothing starts before traffic is bound to the first set', () => {
  const unbound = plan(trio, { activeRevision: undefined });
  assert.deepEqual(open(unbound), []);
  assert.equal(unbound.activeRevision, 'v1');
  assert.equal(unbound.wakeInMs, 0);
});

test('traffic is switched once all of the second set is available, and not before', () => {
  const almost = plan([...trio, ...green.slice(1)]);
  assert.equal(almost.activeRevision, 'v1');
  const ready = plan([...trio, ...green]);
  assert.deepEqual(open(ready), ['switch switch InProgress']);
  assert.equal(ready.activeRevision, 'v2');
});

test('without autoPromote the switch waits for windlass promote', () => {
  const manual = { autoPromote: false };
  const waiting = plan([...trio, ...green], {}, manual);
  assert.deepEqual(open(waiting), []);
  assert.equal(waiting.awaitsPromotion, true);
  assert.equal(waiting.activeRevision, 'v1');
  assert.equal(plan([...trio, ...green], { promoted: 'v2/1' }, manual).activeRevision, 'v2');
  assert.equal(plan([...trio, ...green], { promoted: 'v1' }, manual).activeRevision, 'v1');
});

test('after the switch the first set is removed, or kept as long as asked for', () => {
  const switched = { activeRevision: 'v2', target: revision('v2', { switchedAt: NOW - 1_000 }) };
  const over = plan([...trio, ...green], switched);
  assert.deepEqual(open(over), ['remove a delete', 'remove b delete', 'remove c delete']);
  assert.equal(over.complete, false);
  const kept = plan([...trio, ...green], switched, { keepMs: 5_000 });
  assert.deepEqual(open(kept), []);
  assert.equal(kept.complete, true);
  assert.equal(kept.wakeInMs, 4_000);
});

test('what was kept is found again once the rollout is proven, and goes when its time is over', () => {
  const proven = revision('v2', { switchedAt: NOW - 1_000 });
  const settled = { activeRevision: 'v2', target: proven, current: proven };
  assert.deepEqual(open(plan([...trio, ...green], settled, { keepMs: 5_000 })), []);
  assert.equal(open(plan([...trio, ...green], settled, { keepMs: 500 })).length, 3);
  const alone = plan(green, settled);
  assert.equal(alone.complete, true);
  assert.equal(alone.activeRevision, 'v2');
});

test('the first set is repaired while the second one starts', () => {
  const hurt = plan(trio.slice(1));
  const runs = hurt.operations.filter(({ op, state }) => op === 'run' && state === 'InProgress');
  assert.deepEqual(
    runs.map((run) => (run.op === 'run' ? run.revision : '')),
    ['v1', 'v2', 'v2', 'v2'],
  );
});

test('a second set that fails is removed, and traffic never moved', () => {
  const bad = { ...green[0], readySince: undefined, createdAt: NOW - 61_000, trouble: 'unwell' };
  const failing = plan([...trio, bad as Instance, ...green.slice(1)]);
  assert.deepEqual(failing.failure, { message: 'x: unwell', mark: true, pod: 'x' });
  const marked = { target: revision('v2', { failure: 'x: unwell' }) };
  const undone = plan([...trio, ...green], marked);
  assert.deepEqual(open(undone), ['remove x delete', 'remove y delete', 'remove z delete']);
  assert.equal(undone.activeRevision, 'v1');
});

test('while paused no second set starts', () => {
  assert.deepEqual(open(plan(trio, {}, { paused: true })), []);
});

test('the first rollout has nothing to switch from', () => {
  const first = plan([], { current: undefined, activeRevision: undefined });
  assert.equal(open(first).length, 3);
  assert.equal(first.activeRevision, 'v2');
});

test('a preview shows the second set, the switch and the end of the first', () => {
  assert.deepEqual(
    plan(trio, { whole: true }).operations.map(({ op }) => op),
    ['run', 'run', 'run', 'switch', 'remove', 'remove', 'remove'],
  );
});
