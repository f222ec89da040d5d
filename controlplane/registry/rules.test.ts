// Rules in CEL through the registry, on a real store: definitions with bad rules, objects that break good ones.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

function definition(plural: string, kind: string, rules: readonly object[]): unknown {
  const spec = {
    type: 'object',
    properties: {
      min: { type: 'integer', default: 1 },
      max: { type: 'integer' },
      owner: {
        type: 'string',
        'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'owner is immutable' }],
      },
    },
    'x-kubernetes-validations': rules,
  };
  const status = { type: 'object', properties: { seen: { type: 'integer' } } };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.rules.example.com` },
    spec: {
      group: 'rules.example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}

const object = (kind: string, name: string, spec: object): KubernetesObject => ({
  apiVersion: 'rules.example.com/v1',
  kind,
  metadata: { name },
  spec,
});

function merge(plural: string, name: string, patch: object, subresource = '') {
  const target = {
    definition: fixture.kind('rules.example.com/v1', plural),
    namespace: 'default',
    name,
  };
  const body = { type: 'merge', patch, problems: [] } as const;
  return fixture.registry.patch(target, subresource, body, fixture.context());
}

test('a definition whose rules do not compile is refused where they stand', async () => {
  const bad = definition('bads', 'Bad', [{ rule: 'self.nope > 1' }]);
  await assert.rejects(fixture.create(bad), {
    code: 422,
    message:
      /spec\.validation\.openAPIV3Schema\.properties\[spec\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: "self\.nope > 1": compilation failed: ERROR: <input>:1:5: undefined field 'nope'/,
  });
});

test('rules hold on create and on update, after defaults', async () => {
  await fixture.create(
    definition('ranges', 'Range', [{ rule: 'self.min <= self.max', message: 'min is above max' }]),
  );
  await assert.rejects(fixture.create(object('Range', 'a', { max: 0, owner: 'x' })), {
    code: 422,
    message:
      'Range.rules.example.com "a" is invalid: spec: Invalid value: "object": min is above max',
  });
  await fixture.create(object('Range', 'a', { max: 2, owner: 'x' }));
  await assert.rejects(merge('ranges', 'a', { spec: { min: 3 } }), {
    code: 422,
    message: /spec: Invalid value: "object": min is above max$/,
  });
  await merge('ranges', 'a', { spec: { min: 2 } });
});

test('an update is held against what was there', async () => {
  await assert.rejects(merge('ranges', 'a', { spec: { owner: 'y' } }), {
    code: 422,
    message: /spec\.owner: Invalid value: "string": owner is immutable$/,
  });
  await merge('ranges', 'a', { status: { seen: 1 } }, 'status');
  const stored = fixture.read('rules.example.com/v1', 'ranges', 'default', 'a');
  assert.deepEqual(stored?.['spec'], { min: 2, max: 2, owner: 'x' });
});

test('rules wait until the types are right', async () => {
  await assert.rejects(fixture.create(object('Range', 'b', { max: 'many' })), {
    code: 422,
    message:
      /must be of type integer.*<nil>: Invalid value: null: some validation rules were not checked/,
  });
});

test('rules still hold after a restart', async () => {
  fixture = await fixture.restart();
  await assert.rejects(merge('ranges', 'a', { spec: { min: 3 } }), { code: 422 });
});
