import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from './instance.ts';
import { brief, input, instance, NOW, revision, settings, trio } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { Plan, PlanInput } from './plan-types.ts';

const FOUR: readonly Instance[] = [...trio, instance('d', { node: 'n2', createdAt: 4 })];
const STEPS = [
  { count: { instances: 1 }, pauseMs: undefined },
  { count: { percent: 50 }, pauseMs: 60_000 },
];

/** Ready since so many milliseconds. */
function updated(name: string, since: number, change: Partial<Instance> = {}): Instance {
  const at = NOW - since;
  return instance(name, { revision: 'v2', createdAt: at, readySince: at, ...change });
}

function plan(instances: readonly Instance[], change: Partial<PlanInput> = {}): Plan {
  return planService(
    input({
      settings: settings({ type: 'Canary', replicas: 4, maxParallel: 4, canarySteps: STEPS }),
      target: revision('v2'),
      current: revision('v1'),
      instances,
      ...change,
    }),
  );
}

const open = ({ operations }: Plan): readonly string[] =>
  operations.filter(({ state }) => state === 'InProgress').map(brief);

test('a canary begins with the instances of its first step, whatever may be under way at once', () => {
  const begun = plan(FOUR);
  assert.deepEqual(open(begun), ['replace a start-first create']);
  assert.equal(begun.step, 0);
  assert.equal(begun.awaitsPromotion, false);
  assert.match(
    begun.operations.at(-1)?.reasons[0] ?? '',
    /^step 1 of 2: 1 of 4 instances, then waits for windlass promote/,
  );
});

test('a step without a pause waits for its promotion, and for nothing else', () => {
  const canary = [...FOUR.slice(1), updated('x', 3_600_000)];
  const waiting = plan(canary);
  assert.deepEqual(open(waiting), []);
  assert.equal(waiting.awaitsPromotion, true);
  assert.equal(waiting.wakeInMs, undefined);
  for (const promoted of ['v1/1', 'v2/0', 'v2/x', 'v3'])
    assert.deepEqual(open(plan(canary, { promoted })), [], promoted);
  assert.deepEqual(open(plan(canary, { promoted: 'v2/1' })), ['replace b start-first create']);
});

test('a step with a pause goes on when its newest instance has been there for so long', () => {
  const canary = (since: number): readonly Instance[] => [
    ...FOUR.slice(2),
    updated('x', 3_600_000),
    updated('y', since),
  ];
  const waiting = plan(canary(59_000));
  assert.deepEqual(open(waiting), []);
  assert.equal(waiting.awaitsPromotion, false);
  assert.equal(waiting.wakeInMs, 1_000);
  assert.deepEqual(open(plan(canary(60_000))), [
    'replace c start-first create',
    'replace d start-first create',
  ]);
});

test('once past a step, a rollout stays past it', () => {
  const three = [...FOUR.slice(3), updated('x', 90_000), updated('y', 90_000), updated('z', 0)];
  assert.deepEqual(open(plan(three)), ['replace d start-first create']);
});

test('promoting all of it leaves nothing to wait for', () => {
  assert.equal(open(plan(FOUR, { promoted: 'v2' })).length, 4);
});

test('what is lost while a canary is watched comes back with the revision that is proven', () => {
  const lost = plan([...FOUR.slice(2), updated('x', 1_000)]);
  const [run] = lost.operations.filter(({ op, state }) => op === 'run' && state === 'InProgress');
  assert.ok(run?.op === 'run');
  assert.equal(run.revision, 'v1');
});

test('the first rollout is no canary', () => {
  assert.equal(open(plan([], { current: undefined })).length, 4);
});

test('an aborted canary is taken back, whatever the failure action', () => {
  const aborted = plan([...FOUR.slice(1), updated('x', 1_000)], { aborted: 'v2' });
  assert.deepEqual(open(aborted), ['replace x start-first create']);
});

test('a canary that fails ends the rollout', () => {
  const failing = updated('x', 61_000, { readySince: undefined, trouble: 'it is unwell' });
  const failed = plan([...FOUR, { ...failing, replaces: 'uid-a' }]);
  assert.match(failed.failure?.message ?? '', /^x: it is unwell$/);
  assert.deepEqual(open(failed), []);
});

test('a preview of a canary shows all of it, and where it stops', () => {
  const whole = plan(FOUR, { whole: true });
  assert.deepEqual(
    whole.operations.map(({ op }) => op),
    ['replace', 'replace', 'replace', 'replace', 'promote', 'promote'],
  );
});
