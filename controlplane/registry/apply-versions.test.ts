// Server-side apply of a kind with two versions: managers that speak different ones own fields of one object, and one that changes
// its version goes on owning what it had.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { decodeStored } from './objects.ts';
import { openFixture } from './registry-fixture.ts';
import type { Fixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => {
  fixture = await openFixture();
  await define('gears', ['v1', 'v2']);
});
after(() => fixture.close());

const GROUP = 'stable.io';
const text = { type: 'string' };
const item = { type: 'object', required: ['name'], properties: { name: text, value: text } };
const items = {
  type: 'array',
  items: item,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
};
const schema = {
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties: { a: text, b: text, items } } },
  },
};

async function define(plural: string, names: readonly string[]): Promise<void> {
  const versions = names.map((name, index) => ({
    name,
    served: true,
    storage: index === names.length - 1,
    schema,
  }));
  await fixture.create({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: { group: GROUP, scope: 'Namespaced', names: { plural, kind: `Kind${plural}` }, versions },
  });
}

interface Write {
  readonly type?: 'apply' | 'merge';
  readonly plural?: string;
  readonly force?: boolean;
}

/** As `manager`, through `version`. @returns the object as that version shows it */
async function write(
  manager: string,
  version: string,
  name: string,
  spec: object,
  { type = 'apply', plural = 'gears', force = false }: Write = {},
): Promise<KubernetesObject> {
  const definition = fixture.kind(`${GROUP}/${version}`, plural);
  const whole = { apiVersion: `${GROUP}/${version}`, kind: definition.kind, metadata: { name } };
  const patch = type === 'apply' ? { ...whole, spec } : { spec };
  const { stored } = await fixture.registry.patch(
    { definition, namespace: 'default', name },
    '',
    { type, patch, problems: [], force },
    fixture.context({ fieldManager: manager }),
  );
  return decodeStored(stored, definition);
}

/** `manager version` → what it owns below spec. */
function owners(object: KubernetesObject): Record<string, unknown> {
  const entries = (object.metadata.managedFields ?? []) as {
    readonly manager: string;
    readonly apiVersion: string;
    readonly fieldsV1: unknown;
  }[];
  return Object.fromEntries(
    entries.map(({ manager, apiVersion, fieldsV1 }) => [
      `${manager} ${apiVersion.slice(GROUP.length + 1)}`,
      fieldAt(fieldsV1, 'f:spec'),
    ]),
  );
}

test('managers of two versions own their parts, and neither takes what is the other’s', async () => {
  await write('one', 'v1', 'x', { a: '1', items: [{ name: 'i', value: '1' }] });
  const both = await write('two', 'v2', 'x', { b: '2', items: [{ name: 'j', value: '2' }] });
  assert.deepEqual(both['spec'], {
    a: '1',
    b: '2',
    items: [
      { name: 'i', value: '1' },
      { name: 'j', value: '2' },
    ],
  });
  const part = (field: string, name: string): object => ({
    [`f:${field}`]: {},
    'f:items': { [`k:{"name":"${name}"}`]: { '.': {}, 'f:name': {}, 'f:value': {} } },
  });
  assert.deepEqual(owners(both), { 'one v1': part('a', 'i'), 'two v2': part('b', 'j') });
  const again = await write('one', 'v1', 'x', { a: '1', items: [{ name: 'i', value: '1' }] });
  assert.equal(again.metadata.resourceVersion, both.metadata.resourceVersion);
  const less = await write('one', 'v1', 'x', {});
  assert.deepEqual(less['spec'], { b: '2', items: [{ name: 'j', value: '2' }] });
});

test('a conflict is one whatever version each of them speaks, and force takes the field', async () => {
  await write('one', 'v1', 'y', { a: '1' });
  await assert.rejects(write('two', 'v2', 'y', { a: '2' }), {
    code: 409,
    message: 'Apply failed with 1 conflict: conflict with "one": .spec.a',
  });
  const taken = await write('two', 'v2', 'y', { a: '2' }, { force: true });
  assert.deepEqual(taken['spec'], { a: '2' });
  assert.deepEqual(Object.keys(owners(taken)), ['two v2']);

  await write('edit', 'v1', 'y', { b: '1' }, { type: 'merge' });
  await assert.rejects(write('two', 'v2', 'y', { a: '2', b: '2' }), {
    code: 409,
    message: /conflict with "edit" using stable\.io\/v1(?: at \S+)?: \.spec\.b$/,
  });
});

test('a manager that goes on in another version has one entry, and what it leaves out goes', async () => {
  await write('one', 'v1', 'z', { a: '1', b: '1' });
  const moved = await write('one', 'v2', 'z', { a: '1' });
  assert.deepEqual(moved['spec'], { a: '1' });
  assert.deepEqual(owners(moved), { 'one v2': { 'f:a': {} } });
});

test('an entry of a version that is gone counts no more, and what it owned stays', async () => {
  await define('wheels', ['v1', 'v2']);
  const place = { plural: 'wheels' };
  await write('one', 'v1', 'w', { a: '1' }, place);
  const definition = fixture.kind('apiextensions.k8s.io/v1', 'customresourcedefinitions');
  const versions = [{ name: 'v2', served: true, storage: true, schema }];
  await fixture.registry.patch(
    { definition, namespace: '', name: `wheels.${GROUP}` },
    '',
    { type: 'merge', patch: { spec: { versions } }, problems: [] },
    fixture.context(),
  );
  const taken = await write('two', 'v2', 'w', { a: '2' }, place);
  assert.deepEqual(taken['spec'], { a: '2' });
  assert.deepEqual(owners(taken), { 'two v2': { 'f:a': {} } });
});
