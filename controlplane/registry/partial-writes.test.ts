// Writes to a part of an object, which leave the rest unlooked at: they come to what looking at all of it comes to.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '#controlplane/api/errors.ts';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';
import type { PatchType } from './types.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const target = (name: string) => ({
  definition: fixture.kind('v1', 'pods'),
  namespace: 'default',
  name,
});

async function createPod(name: string): Promise<void> {
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] },
        ],
      },
    },
  };
  const volumes = [{ name: 'v', configMap: { name: 'c' } }];
  const containers = [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }];
  const spec = { affinity, volumes, containers };
  await fixture.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
}

async function patch(
  name: string,
  type: PatchType,
  value: unknown,
  subresource = 'status',
): Promise<KubernetesObject> {
  const request = { type, patch: value, problems: [] };
  const context = fixture.context();
  const { stored } = await fixture.registry.patch(target(name), subresource, request, context);
  return decode(stored);
}

/** Without what differs from object to object. */
function comparable({ metadata, ...rest }: KubernetesObject): unknown {
  const { name: _name, uid: _uid, resourceVersion: _resourceVersion, ...others } = metadata;
  return { metadata: others, ...rest };
}

const since = '2026-11-21T12:00:00+00:00';
const condition = { type: 'Ready', status: 'True', lastTransitionTime: since };
const status = { phase: 'Running', conditions: [condition], podIP: '' };

describe('a write to the status', () => {
  test('comes to the same by every kind of patch', async () => {
    // JSON patches are applied to a copy of the whole object.
    await createPod('json');
    const expected = await patch('json', 'json', [
      { op: 'add', path: '/status/phase', value: status.phase },
      { op: 'add', path: '/status/conditions', value: status.conditions },
    ]);
    const conditions = fieldAt(expected, 'status', 'conditions');
    assert.deepEqual(conditions, [{ ...condition, lastTransitionTime: '2026-11-21T12:00:00Z' }]);
    assert.equal(fieldAt(expected, 'status', 'podIP'), undefined);
    for (const type of ['merge', 'strategic'] as const) {
      await createPod(type);
      assert.deepEqual(comparable(await patch(type, type, { status })), comparable(expected), type);
    }
  });

  test('has defaults, and cannot change the rest', async () => {
    await createPod('defaults');
    await patch('defaults', 'merge', { status });
    const before = fixture.read('v1', 'pods', 'default', 'defaults');
    const made = await patch('defaults', 'merge', {
      status: { phase: null },
      spec: { nodeName: 'elsewhere', containers: [] },
    });
    assert.equal(fieldAt(made, 'status', 'phase'), 'Pending');
    assert.deepEqual(made['spec'], before?.['spec']);
  });

  for (const [what, type, value, message] of [
    ['a wrong type', 'merge', { status: { phase: 1 } }, /status\.phase of type string/],
    ['a wrong type', 'strategic', { status: { conditions: {} } }, /status\.conditions/],
    ['no time', 'merge', { status: { startTime: 'noon' } }, /status\.startTime/],
    ['a wrong type beside the status', 'merge', { spec: { nodeName: 1 } }, /spec\.nodeName/],
    ['an unknown field', 'merge', { status: { nope: 1 } }, /unknown field "status\.nope"/],
    ['an unknown field beside it', 'merge', { spec: { nope: 1 } }, /unknown field "spec\.nope"/],
    ['a name that is none', 'merge', { metadata: { labels: { 'a b': '' } } }, /metadata\.labels/],
  ] as const) {
    test(`is refused for ${what} (${type})`, async () => {
      const name = 'refused';
      if (fixture.read('v1', 'pods', 'default', name) === undefined) await createPod(name);
      const before = fixture.read('v1', 'pods', 'default', name);
      await assert.rejects(patch(name, type, value), (error) => {
        assert.ok(error instanceof ApiError);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(fixture.read('v1', 'pods', 'default', name), before);
    });
  }
});

test('a write to the object itself fills in what it adds to what is there', async () => {
  await createPod('added');
  await patch('added', 'strategic', { status });
  const made = await patch('added', 'merge', { metadata: { labels: { a: 'b' } } }, '');
  assert.deepEqual(made.metadata.labels, { a: 'b' });
  const volumes = fieldAt(made, 'spec', 'volumes');
  assert.deepEqual(volumes, [{ name: 'v', configMap: { name: 'c', defaultMode: 0o644 } }]);
});
