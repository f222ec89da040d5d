// Evictions under PodDisruptionBudgets, and the budgets themselves.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import { fieldAt, objectAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { openFixture } from './registry-fixture.ts';
import type { Fixture } from './registry-fixture.ts';
import type { WriteContext } from './types.ts';

let fixture: Fixture;
before(async () => {
  fixture = await openFixture();
});
after(() => fixture.close());

interface PodState {
  readonly ready?: boolean;
  readonly phase?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

async function makePod(name: string, { ready = true, phase = 'Running', labels }: PodState = {}) {
  await fixture.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: labels ?? { app: name.replace(/-\d+$/, '') } },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
  });
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  await setStatus('v1', 'pods', name, { phase, conditions });
}

async function setStatus(apiVersion: string, resource: string, name: string, status: object) {
  await fixture.registry.patch(
    { definition: fixture.kind(apiVersion, resource), namespace: 'default', name },
    'status',
    { type: 'merge', patch: { status }, problems: [] },
    fixture.context(),
  );
}

interface Counted {
  readonly allowed: number;
  readonly healthy?: number;
  readonly desired?: number;
}

async function makeBudget(name: string, counted?: Counted, spec: object = {}, app = name) {
  await fixture.create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: { minAvailable: 1, selector: { matchLabels: { app } }, ...spec },
  });
  if (counted === undefined) return;
  const { allowed, healthy = 2, desired = 1 } = counted;
  await setStatus('policy/v1', 'poddisruptionbudgets', name, {
    observedGeneration: 1,
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: 2,
  });
}

function evict(name: string, deleteOptions: object = {}, changes: Partial<WriteContext> = {}) {
  const target = { definition: fixture.kind('v1', 'pods'), namespace: 'default', name };
  const object = { metadata: { name }, deleteOptions } as unknown as KubernetesObject;
  return fixture.registry.connect(
    target,
    'eviction',
    { object, problems: [] },
    fixture.context(changes),
  );
}

const podOf = (name: string): KubernetesObject =>
  fixture.read('v1', 'pods', 'default', name) ?? assert.fail(`${name} is gone`);
const isLeaving = (name: string): boolean => podOf(name).metadata.deletionTimestamp !== undefined;
const statusOf = (name: string): object =>
  objectAt(fixture.read('policy/v1', 'poddisruptionbudgets', 'default', name), 'status');

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => assert.fail('it was allowed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ApiError);
  return error;
}

describe('PodDisruptionBudget', () => {
  test('starts with nothing counted and a generation that counts changes of its spec', async () => {
    const made = await fixture.create({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'fresh' },
      spec: { maxUnavailable: '30%' },
      status: { disruptionsAllowed: 7 },
    });
    assert.equal(made.metadata.generation, 1);
    assert.deepEqual(made['status'], {
      disruptionsAllowed: 0,
      currentHealthy: 0,
      desiredHealthy: 0,
      expectedPods: 0,
    });
    await setStatus('policy/v1', 'poddisruptionbudgets', 'fresh', { expectedPods: 2 });
    const after = fixture.read('policy/v1', 'poddisruptionbudgets', 'default', 'fresh');
    assert.equal(after?.metadata.generation, 1);
  });

  for (const [why, spec, message] of [
    ['both amounts', { minAvailable: 1, maxUnavailable: 1 }, /cannot be both set/],
    ['a negative amount', { minAvailable: -1 }, /spec\.minAvailable: Invalid value: -1/],
    ['no percentage', { maxUnavailable: 'half' }, /a valid percent string must be/],
    ['too many percent', { minAvailable: '101%' }, /must not be greater than 100%/],
    ['a bad policy', { unhealthyPodEvictionPolicy: 'Never' }, /"AlwaysAllow", "IfHealthyBudget"/],
    ['a bad label', { selector: { matchLabels: { 'a b': 'c' } } }, /spec\.selector\.matchLabels/],
    [
      'an operator without its values',
      { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      /spec\.selector\.matchExpressions\[0\]\.values: Required value/,
    ],
  ] as const) {
    test(`is refused with ${why}`, async () => {
      const object = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' };
      const error = await refusal(fixture.create({ ...object, metadata: { name: 'wrong' }, spec }));
      assert.equal(error.code, 422);
      assert.match(error.message, message);
    });
  }
});

describe('an eviction', () => {
  test('draws on the budget, says so in the Pod, and is refused when nothing is left', async () => {
    await makeBudget('web', { allowed: 1 });
    for (const name of ['web-1', 'web-2']) await makePod(name);
    await evict('web-1');
    assert.ok(isLeaving('web-1'));
    const conditions = fieldAt(podOf('web-1'), 'status', 'conditions') as { reason?: string }[];
    assert.equal(conditions.at(-1)?.reason, 'EvictionByEvictionAPI');
    const status = statusOf('web') as {
      disruptionsAllowed: number;
      disruptedPods: object;
      conditions: { type: string; status: string }[];
    };
    assert.equal(status.disruptionsAllowed, 0);
    assert.deepEqual(Object.keys(status.disruptedPods), ['web-1']);
    assert.deepEqual(
      status.conditions.map(({ type, status: is }) => [type, is]),
      [['DisruptionAllowed', 'False']],
    );
    const error = await refusal(evict('web-2'));
    assert.deepEqual(
      [error.code, error.reason, error.details],
      [
        429,
        'TooManyRequests',
        {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: 'The disruption budget web needs 1 healthy pods and has 2 currently',
            },
          ],
        },
      ],
    );
    assert.ok(!isLeaving('web-2'));
  });

  test('waits for a budget that nobody has counted yet', async () => {
    await makeBudget('uncounted');
    await makePod('uncounted-1');
    const error = await refusal(evict('uncounted-1'));
    assert.equal(error.code, 429);
    assert.equal(error.details?.retryAfterSeconds, 10);
    assert.match(error.details.causes?.[0]?.message ?? '', /still being processed/);
  });

  test('of many at once never takes more than the budget has', async () => {
    await makeBudget('herd', { allowed: 3, healthy: 10, desired: 7 });
    const names = Array.from({ length: 10 }, (_, index) => `herd-${index}`);
    for (const name of names) await makePod(name);
    const results = await Promise.allSettled(names.map((name) => evict(name)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
    assert.equal(names.filter(isLeaving).length, 3);
    for (const result of results)
      if (result.status === 'rejected') assert.equal((result.reason as ApiError).code, 429);
  });

  test('as a dry run is judged and changes nothing, however it is asked for', async () => {
    await makeBudget('dry', { allowed: 1 });
    await makePod('dry-1');
    await evict('dry-1', {}, { dryRun: true });
    await evict('dry-1', { dryRun: ['All'] });
    assert.ok(!isLeaving('dry-1'));
    assert.equal(fieldAt(statusOf('dry'), 'disruptionsAllowed'), 1);
    assert.equal((await refusal(evict('dry-1', { dryRun: ['Some'] }))).code, 400);
    await evict('dry-1');
    await makePod('dry-2');
    assert.equal((await refusal(evict('dry-2', {}, { dryRun: true }))).code, 429);
  });

  test('of a Pod with two budgets is refused as a mistake', async () => {
    await makeBudget('first', { allowed: 1 }, {}, 'both');
    await makeBudget('second', { allowed: 1 }, {}, 'both');
    await makePod('both-1');
    const error = await refusal(evict('both-1'));
    assert.equal(error.code, 500);
    assert.match(error.message, /more than one PodDisruptionBudget/);
  });

  test('needs no budget for what serves nobody', async () => {
    await makeBudget('idle', { allowed: 0, healthy: 0, desired: 1 });
    await makePod('idle-1', { phase: 'Pending', ready: false });
    await evict('idle-1');
    assert.ok(isLeaving('idle-1'));
    await makePod('idle-2', { phase: 'Succeeded', ready: false });
    await evict('idle-2');
    assert.equal(fixture.read('v1', 'pods', 'default', 'idle-2'), undefined);
  });

  test('of an unhealthy Pod follows unhealthyPodEvictionPolicy', async () => {
    await makeBudget('below', { allowed: 0, healthy: 0, desired: 1 });
    await makePod('below-1', { ready: false });
    assert.equal((await refusal(evict('below-1'))).code, 429);

    await makeBudget('enough', { allowed: 0, healthy: 1, desired: 1 });
    await makePod('enough-1', { ready: false });
    await evict('enough-1');
    assert.ok(isLeaving('enough-1'));
    assert.equal(fieldAt(statusOf('enough'), 'disruptedPods'), undefined);

    const always = { unhealthyPodEvictionPolicy: 'AlwaysAllow' };
    await makeBudget('always', { allowed: 0, healthy: 0, desired: 1 }, always);
    await makePod('always-1', { ready: false });
    await evict('always-1');
    assert.ok(isLeaving('always-1'));
  });

  test('keeps to the preconditions that came with it', async () => {
    await makePod('exact-1');
    const preconditions = { resourceVersion: '1' };
    assert.equal((await refusal(evict('exact-1', { preconditions }))).code, 409);
    assert.equal((await refusal(evict('exact-1', { preconditions: { uid: 'x' } }))).code, 409);
    const { resourceVersion, uid } = podOf('exact-1').metadata;
    await evict('exact-1', { preconditions: { resourceVersion, uid } });
    assert.ok(isLeaving('exact-1'));
    assert.equal((await refusal(evict('nobody'))).code, 404);
  });

  test('counts budgets without a selector as nothing, and an empty selector as everything', async () => {
    const none = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' };
    await fixture.create({ ...none, metadata: { name: 'none' }, spec: { minAvailable: 1 } });
    await makePod('free-1');
    await makePod('free-2');
    await evict('free-1');
    assert.ok(isLeaving('free-1'));
    await fixture.create({ ...none, metadata: { name: 'all' }, spec: { selector: {} } });
    assert.equal((await refusal(evict('free-2'))).code, 429);
  });
});
