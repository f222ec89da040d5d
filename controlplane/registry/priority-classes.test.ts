// PriorityClasses at new Pods: names become numbers, and who brings numbers of their own is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => {
  fixture = await openFixture();
  const { signal } = fixture.context();
  await fixture.registry.announce({ addresses: ['192.0.2.1'], port: 6443 }, signal);
});
after(() => fixture.close());

let count = 0;

function pod(spec: object = {}): Promise<KubernetesObject> {
  count += 1;
  return fixture.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p${count}`, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  });
}

const priorityClass = (name: string, value: number, more: object = {}): Promise<unknown> =>
  fixture.create({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    ...more,
  });

function priorityOf({ spec }: KubernetesObject): unknown {
  const { priorityClassName, priority, preemptionPolicy } = spec as Record<string, unknown>;
  return [priorityClassName, priority, preemptionPolicy];
}

const refusal =
  (why: string): ((error: unknown) => boolean) =>
  (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, 403);
    assert.equal(error.message.replace(/p\d+/, 'P'), `pods "P" is forbidden: ${why}`);
    return true;
  };

test('a class that is named, of the system or of somebody, becomes a number and a policy', async () => {
  assert.deepEqual(priorityOf(await pod()), [undefined, 0, 'PreemptLowerPriority']);
  assert.deepEqual(priorityOf(await pod({ priorityClassName: 'system-node-critical' })), [
    'system-node-critical',
    2_000_001_000,
    'PreemptLowerPriority',
  ]);
  await priorityClass('kind', 7, { preemptionPolicy: 'Never' });
  assert.deepEqual(priorityOf(await pod({ priorityClassName: 'kind' })), ['kind', 7, 'Never']);
  assert.deepEqual(
    priorityOf(await pod({ priorityClassName: 'kind', priority: 7, preemptionPolicy: 'Never' })),
    ['kind', 7, 'Never'],
  );
});

test('a class that is not there, and numbers of the client, are refused', async () => {
  await assert.rejects(
    pod({ priorityClassName: 'nobody' }),
    refusal('no PriorityClass with name nobody was found'),
  );
  await assert.rejects(
    pod({ priority: 3 }),
    refusal(
      'the integer value of priority (3) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ),
  );
  await assert.rejects(
    pod({ preemptionPolicy: 'Never' }),
    refusal(
      'the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ),
  );
});

test('one class is the default, until it is gone; Pods keep what they were given', async () => {
  await priorityClass('usual', 5, { globalDefault: true });
  const made = await pod();
  assert.deepEqual(priorityOf(made), ['usual', 5, 'PreemptLowerPriority']);
  await assert.rejects(priorityClass('other', 6, { globalDefault: true }), {
    code: 403,
    message:
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
  });
  const definition = fixture.kind('scheduling.k8s.io/v1', 'priorityclasses');
  const target = { definition, namespace: '', name: 'usual' };
  await fixture.registry.delete(target, {}, fixture.context());
  assert.deepEqual(priorityOf(await pod()), [undefined, 0, 'PreemptLowerPriority']);
  const { stored } = await fixture.registry.patch(
    {
      definition: fixture.kind('v1', 'pods'),
      namespace: 'default',
      name: made.metadata.name ?? '',
    },
    '',
    { type: 'merge', patch: { metadata: { labels: { a: 'b' } } }, problems: [] },
    fixture.context(),
  );
  const after = JSON.parse(stored.bytes.toString()) as KubernetesObject;
  assert.deepEqual(priorityOf(after), ['usual', 5, 'PreemptLowerPriority']);
});
