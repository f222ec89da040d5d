// Rules of the smaller kinds, through the registry.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

function object(apiVersion: string, kind: string, name: string, fields: object): KubernetesObject {
  return { apiVersion, kind, metadata: { name }, ...fields };
}

const merge = (apiVersion: string, resource: string, name: string, patch: unknown) => {
  const definition = fixture.kind(apiVersion, resource);
  return fixture.registry.patch(
    { definition, namespace: definition.namespaced ? 'default' : '', name },
    '',
    { type: 'merge', patch, problems: [] },
    fixture.context(),
  );
};

describe('create', () => {
  for (const [why, value, message] of [
    [
      'a TLS Secret without its key',
      object('v1', 'Secret', 'a', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }),
      /data\[tls\.key\]: Required value/,
    ],
    [
      'a basic-auth Secret without either',
      object('v1', 'Secret', 'a', { type: 'kubernetes.io/basic-auth' }),
      /data\[username\]: Required value/,
    ],
    [
      'a token Secret of nobody',
      object('v1', 'Secret', 'a', { type: 'kubernetes.io/service-account-token' }),
      /service-account\.name/,
    ],
    [
      'a revision below zero',
      object('apps/v1', 'ControllerRevision', 'a', { revision: -1, data: {} }),
      /revision: Invalid value: -1/,
    ],
    [
      'a revision without data',
      object('apps/v1', 'ControllerRevision', 'a', { revision: 1 }),
      /data: Required value/,
    ],
    [
      'a Service without ports',
      object('v1', 'Service', 'a', { spec: {} }),
      /spec\.ports: Required value/,
    ],
    [
      'a Service with a name that DNS refuses',
      object('v1', 'Service', '1a', { spec: { clusterIP: 'None' } }),
      /DNS-1035/,
    ],
    [
      'a claim of nothing',
      object('v1', 'PersistentVolumeClaim', 'a', { spec: { accessModes: ['ReadWriteOnce'] } }),
      /resources\[storage\]: Required value/,
    ],
    [
      'a Node with two equal taints',
      object('v1', 'Node', 'a', {
        spec: {
          taints: [
            { key: 'k', effect: 'NoSchedule' },
            { key: 'k', effect: 'NoSchedule' },
          ],
        },
      }),
      /taints\[1\]: Duplicate value/,
    ],
    [
      'a Node with an unknown effect',
      object('v1', 'Node', 'a', { spec: { taints: [{ key: 'k', effect: 'Never' }] } }),
      /taints\[0\]\.effect: Unsupported value: "Never"/,
    ],
    ['a Namespace with a dot', object('v1', 'Namespace', 'a.b', {}), /must not contain dots/],
    [
      'a ConfigMap with a key twice',
      object('v1', 'ConfigMap', 'a', { data: { k: '' }, binaryData: { k: '' } }),
      /duplicate of key present in data/,
    ],
  ] as const) {
    test(`refuses ${why}`, async () => {
      await assert.rejects(fixture.create(value), { code: 422, message });
    });
  }
});

describe('update', () => {
  test('the data of a ControllerRevision stays, its revision may grow', async () => {
    await fixture.create(
      object('apps/v1', 'ControllerRevision', 'r', { revision: 1, data: { a: 1 } }),
    );
    await merge('apps/v1', 'controllerrevisions', 'r', { revision: 2 });
    await assert.rejects(merge('apps/v1', 'controllerrevisions', 'r', { data: { a: 2 } }), {
      code: 422,
      message: /data: Invalid value: .*field is immutable/,
    });
  });

  test('a Node can give all that it has, unless it says otherwise', async () => {
    const capacity = { cpu: '4', memory: '8Gi' };
    const made = await fixture.create(object('v1', 'Node', 'whole', { status: { capacity } }));
    assert.deepEqual(fieldAt(made, 'status', 'allocatable'), capacity);
    const status = { capacity, allocatable: { cpu: '3' } };
    const careful = await fixture.create(object('v1', 'Node', 'careful', { status }));
    assert.deepEqual(fieldAt(careful, 'status', 'allocatable'), { cpu: '3' });
  });

  test('the type of a Secret stays', async () => {
    await fixture.create(object('v1', 'Secret', 's', {}));
    await assert.rejects(merge('v1', 'secrets', 's', { type: 'other' }), {
      code: 422,
      message: /type/,
    });
  });

  test('no error about a Secret shows the patch', async () => {
    const patch = merge('v1', 'secrets', 's', { stringdata: { password: 'hunter2' } });
    await assert.rejects(patch, (error: Error) => {
      assert.match(error.message, /unknown field "stringdata"/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  test('a claim may grow and be bound once, nothing else', async () => {
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await fixture.create(object('v1', 'PersistentVolumeClaim', 'c', { spec }));
    const change = (fields: object) => merge('v1', 'persistentvolumeclaims', 'c', { spec: fields });
    await change({ volumeName: 'v' });
    await change({ resources: { requests: { storage: '2Gi' } } });
    await assert.rejects(change({ volumeName: 'w' }), { code: 422, message: /spec: Forbidden/ });
    await assert.rejects(change({ resources: { requests: { storage: '1Gi' } } }), {
      code: 422,
      message: /less than previous value/,
    });
  });

  test('finalizers of a Namespace change through /finalize only', async () => {
    await fixture.create(object('v1', 'Namespace', 'n', {}));
    await merge('v1', 'namespaces', 'n', { spec: { finalizers: [] } });
    const spec = fixture.read('v1', 'namespaces', '', 'n')?.['spec'];
    assert.deepEqual(spec, { finalizers: ['kubernetes'] });
  });
});
