import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookFacts } from './hook-facts.ts';
import { brief, input, instance, NOW, revision, settings, trio } from './plan-fixture.ts';
import { planService } from './plan.ts';
import type { Plan, PlanInput, RevisionFacts } from './plan-types.ts';

const HOOKED = settings({
  hooks: { preDeploy: { command: ['migrate'], timeoutMs: 60_000 }, postDeploy: undefined },
});
const BOTH = settings({
  hooks: {
    preDeploy: undefined,
    postDeploy: { command: ['announce'], timeoutMs: 60_000 },
  },
});
const v2 = revision('v2');

function hook(name: string, change: Partial<HookFacts> = {}): HookFacts {
  return {
    name,
    uid: `uid-${name}`,
    hook: 'preDeploy',
    revision: 'v2',
    activatedAt: NOW,
    node: 'n1',
    state: 'running',
    message: '',
    terminating: false,
    createdAt: NOW - 1_000,
    ...change,
  };
}

function plan(change: Partial<PlanInput> = {}): Plan {
  return planService(
    input({ settings: HOOKED, target: v2, current: revision('v1'), instances: trio, ...change }),
  );
}

const open = ({ operations }: Plan): readonly string[] =>
  operations.filter(({ state }) => state !== 'Pending' && state !== 'Done').map(brief);

function recorded(hook: keyof RevisionFacts['hookResults']): RevisionFacts {
  return { ...v2, hookResults: { ...v2.hookResults, [hook]: 'Succeeded' } };
}

test('a hook runs before anything of a new revision begins, where the first of it will', () => {
  const begun = plan();
  assert.deepEqual(open(begun), ['runPreDeploy n1 create']);
  assert.deepEqual(
    begun.operations.slice(1).map(({ op, state }) => `${op} ${state}`),
    ['replace Pending', 'replace Pending', 'replace Pending'],
  );
  assert.match(begun.operations[1]?.reasons.at(-1) ?? '', /^waits for the pre-deploy hook$/);
});

test('a first rollout waits for its hook too, with nothing running', () => {
  const first = plan({ current: undefined, instances: [] });
  assert.deepEqual(open(first), ['runPreDeploy n1 create']);
  assert.equal(first.complete, false);
});

test('what runs is repaired with its own revision while a hook is running', () => {
  const running = plan({ hooks: [hook('h')], instances: trio.slice(1) });
  assert.deepEqual(open(running), ['runPreDeploy n1 wait', 'run n1 create']);
  const run = running.operations.find(({ op }) => op === 'run');
  assert.equal(run?.op === 'run' ? run.revision : '', 'v1');
});

test('a hook that succeeded is recorded, and then the rollout begins', () => {
  assert.deepEqual(open(plan({ hooks: [hook('h', { state: 'succeeded' })] })), [
    'runPreDeploy n1 record',
  ]);
  const target = recorded('preDeploy');
  assert.deepEqual(open(plan({ target, hooks: [hook('h', { state: 'succeeded' })] })), [
    'replace a start-first create',
  ]);
});

test('a hook that failed, or takes too long, ends the rollout before it begins', () => {
  const failed = plan({ hooks: [hook('h', { state: 'failed', message: 'exit code 3' })] });
  assert.deepEqual(failed.failure, {
    message: 'pre-deploy hook h failed with exit code: 3',
    mark: true,
    pod: 'h',
  });
  const slow = plan({ hooks: [hook('h', { createdAt: NOW - 90_000 })] });
  assert.match(slow.failure?.message ?? '', /^pre-deploy hook h timed out after 60s$/);
  assert.deepEqual(open(slow), ['stopPreDeploy h delete', 'runPreDeploy n1 wait']);
  const target = revision('v2', { failure: 'pre-deploy hook h failed' });
  assert.deepEqual(open(plan({ target, hooks: [hook('h', { state: 'failed' })] })), []);
  const first = {
    target,
    current: undefined,
    instances: [],
    hooks: [hook('h', { state: 'failed' })],
  };
  assert.deepEqual(open(plan(first)), ['runPreDeploy n1 wait']);
});

test('hooks of earlier rollouts are stopped first, and their Pods go', () => {
  const old = [hook('o', { revision: 'v1' }), hook('p', { activatedAt: NOW - 5, state: 'failed' })];
  const stopping = plan({ hooks: old });
  assert.deepEqual(open(stopping), ['stopPreDeploy o delete', 'runPreDeploy n1 wait']);
  const gone = plan({ hooks: old.slice(1) });
  const [run] = gone.operations;
  assert.ok(run?.op === 'runPreDeploy' && run.step === 'create');
  assert.deepEqual(run.removes, [{ pod: 'p', uid: 'uid-p' }]);
});

for (const [what, change] of [
  ['scaling up', { target: revision('v1') }],
  ['a repair', { target: revision('v1'), instances: trio.slice(1) }],
  [
    'a rollout that has begun',
    { instances: [...trio, instance('x', { revision: 'v2', replaces: 'uid-a' })] },
  ],
  ['what was given up', { target: revision('v2', { failure: 'x' }) }],
] as const) {
  test(`no hook runs for ${what}`, () => {
    const { operations } = plan(change);
    assert.ok(operations.every(({ op }) => op !== 'runPreDeploy'));
  });
}

test('the hook after a rollout is its last operation', () => {
  const updated = trio.map((one) => ({ ...one, revision: 'v2' }));
  const ended = plan({ settings: BOTH, instances: updated });
  assert.deepEqual(open(ended), ['runPostDeploy n1 create']);
  assert.equal(ended.complete, false);
  const early = plan({ settings: BOTH });
  assert.ok(early.operations.every(({ op }) => op !== 'runPostDeploy'));
  const over = plan({ settings: BOTH, instances: updated, target: recorded('postDeploy') });
  assert.equal(over.complete, true);
  const failed = plan({
    settings: BOTH,
    instances: updated,
    hooks: [hook('h', { hook: 'postDeploy', state: 'failed' })],
  });
  assert.deepEqual(failed.failure, { message: 'post-deploy hook h failed', mark: true, pod: 'h' });
});

test('a new revision waits for the services that it depends on; what runs is not touched', () => {
  const waiting = plan({ settings: settings(), waitsFor: ['db', 'cache'] });
  assert.deepEqual(open(waiting), []);
  assert.match(
    waiting.operations[0]?.reasons.at(-1) ?? '',
    /^waits for service db, service cache to be ready$/,
  );
  assert.deepEqual(waiting.troubles, ['waits for service db, service cache to be ready']);
  const circle = plan({ settings: settings(), waitsFor: ['db'], waitCircle: ['web', 'db', 'web'] });
  assert.match(circle.troubles[0] ?? '', /\(web → db → web\): take one out of spec\.dependsOn$/);
  const settled = plan({ settings: settings(), target: revision('v1'), waitsFor: ['db'] });
  assert.equal(settled.complete, true);
});

test('a preview shows hooks around the rollout', () => {
  const settled = settings({ hooks: { ...HOOKED.hooks, postDeploy: BOTH.hooks.postDeploy } });
  assert.deepEqual(
    plan({ settings: settled, whole: true }).operations.map(({ op }) => op),
    ['runPreDeploy', 'replace', 'replace', 'replace', 'runPostDeploy'],
  );
});
