// Kinds that are served in more than one form: one object in the store, shown as each client asked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';
import { decodeStored } from './objects.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

/** The stored object as one version shows it. */
function shown(apiVersion: string, resource: string, name: string): KubernetesObject {
  const definition = fixture.kind(apiVersion, resource);
  const stored = fixture.store.get(definition.storageKey, 'default', name);
  assert.ok(stored !== undefined, name);
  return decodeStored(stored, definition);
}

const autoscaler = (version: string, name: string, spec: object): KubernetesObject => ({
  apiVersion: `autoscaling/${version}`,
  kind: 'HorizontalPodAutoscaler',
  metadata: { name },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    maxReplicas: 5,
    ...spec,
  },
});

const cpu = (averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

test('an autoscaler written as v1 is stored and read as v2', async () => {
  const stored = await fixture.create(
    autoscaler('v1', 'one', { targetCPUUtilizationPercentage: 60 }),
  );
  assert.equal(stored.apiVersion, 'autoscaling/v2');
  assert.deepEqual(fieldAt(stored, 'spec', 'metrics'), [cpu(60)]);
  assert.equal(fieldAt(stored, 'spec', 'minReplicas'), 1);
  const read = shown('autoscaling/v1', 'horizontalpodautoscalers', 'one');
  assert.equal(read.apiVersion, 'autoscaling/v1');
  assert.equal(fieldAt(read, 'spec', 'targetCPUUtilizationPercentage'), 60);
  assert.equal(fieldAt(read, 'spec', 'metrics'), undefined);
});

test('an autoscaler that names no metric goes by 80 % of the CPU, in both versions', async () => {
  for (const version of ['v1', 'v2']) {
    const stored = await fixture.create(autoscaler(version, `plain-${version}`, {}));
    assert.deepEqual(fieldAt(stored, 'spec', 'metrics'), [cpu(80)]);
  }
});

test('what v1 has no field for survives a v1 client that writes back', async () => {
  const metrics = [
    {
      type: 'Pods',
      pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '10' } },
    },
    {
      type: 'Object',
      object: {
        describedObject: { kind: 'Service', name: 'a' },
        metric: { name: 'queue' },
        target: { type: 'Value', value: '3' },
      },
    },
    cpu(50),
  ];
  const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
  await fixture.create(autoscaler('v2', 'rich', { metrics, behavior }));
  const before = shown('autoscaling/v2', 'horizontalpodautoscalers', 'rich');
  const old = shown('autoscaling/v1', 'horizontalpodautoscalers', 'rich');
  assert.deepEqual(
    JSON.parse(old.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'] ?? ''),
    [
      { type: 'Pods', pods: { metricName: 'hits', targetAverageValue: '10' } },
      {
        type: 'Object',
        object: { target: { kind: 'Service', name: 'a' }, metricName: 'queue', targetValue: '3' },
      },
    ],
  );
  old['spec'] = { ...(old['spec'] as object), maxReplicas: 9 };
  const definition = fixture.kind('autoscaling/v1', 'horizontalpodautoscalers');
  await fixture.registry.update(
    { definition, namespace: 'default', name: 'rich' },
    '',
    { object: old, problems: [] },
    fixture.context(),
  );
  const after = shown('autoscaling/v2', 'horizontalpodautoscalers', 'rich');
  assert.equal(fieldAt(after, 'spec', 'maxReplicas'), 9);
  assert.deepEqual(fieldAt(after, 'spec', 'metrics'), fieldAt(before, 'spec', 'metrics'));
  assert.deepEqual(fieldAt(after, 'spec', 'behavior'), fieldAt(before, 'spec', 'behavior'));
  assert.equal(after.metadata.annotations, undefined);
});

test('annotations that are no metrics are no error', async () => {
  const object = autoscaler('v1', 'odd', {});
  object.metadata.annotations = {
    'autoscaling.alpha.kubernetes.io/metrics': '{',
    'autoscaling.alpha.kubernetes.io/behavior': '[]',
    'autoscaling.alpha.kubernetes.io/conditions': '1',
  };
  const stored = await fixture.create(object);
  assert.deepEqual(fieldAt(stored, 'spec', 'metrics'), [cpu(80)]);
});

const event: KubernetesObject = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'seen' },
  eventTime: '2026-11-21T12:00:00.000000Z',
  reportingController: 'test',
  reportingInstance: 'test-1',
  action: 'Look',
  reason: 'Seen',
  type: 'Normal',
  note: 'there it is',
  regarding: { kind: 'Pod', namespace: 'default', name: 'a' },
};

test('an Event is one object under two groups', async () => {
  const stored = await fixture.create(event);
  assert.equal(stored.apiVersion, 'v1');
  assert.equal(stored['message'], 'there it is');
  assert.equal(stored['reportingComponent'], 'test');
  assert.equal(fieldAt(stored, 'involvedObject', 'name'), 'a');
  const read = shown('events.k8s.io/v1', 'events', 'seen');
  assert.equal(read['note'], 'there it is');
  assert.equal(fieldAt(read, 'regarding', 'name'), 'a');
  const found = fixture.store.get('core/events', 'default', 'seen');
  assert.equal(found?.fields['regarding.name'], 'a');
  assert.equal(found?.fields['involvedObject.name'], 'a');
  assert.equal(found?.fields['reportingController'], 'test');
});

test('events.k8s.io asks for more, and lets only the series change', async () => {
  const { eventTime: _eventTime, ...timeless } = event;
  await assert.rejects(
    fixture.create({ ...timeless, metadata: { name: 'b' } }),
    /eventTime: Required value/,
  );
  await assert.rejects(
    fixture.create({ ...event, metadata: { name: 'b' }, deprecatedCount: 1 }),
    /count: Invalid value: "": needs to be unset/,
  );
  const definition = fixture.kind('events.k8s.io/v1', 'events');
  const change = (patch: unknown): Promise<{ readonly stored: Parameters<typeof decode>[0] }> =>
    fixture.registry.patch(
      { definition, namespace: 'default', name: 'seen' },
      '',
      { type: 'merge', patch, problems: [] },
      fixture.context(),
    );
  await assert.rejects(change({ note: 'gone' }), /message: Invalid value: .*field is immutable/);
  await assert.rejects(change({ series: { count: 1 } }), /series\.count: Invalid value/);
  const { stored } = await change({
    series: { count: 2, lastObservedTime: '2026-11-21T12:00:01.000000Z' },
  });
  assert.equal(fieldAt(decode(stored), 'series', 'count'), 2);
});
