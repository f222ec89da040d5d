// What is stored and what is shown of custom resources whose definition changes: storage versions, defaults on read, pruning.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fieldAt, listAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { decodeStored } from './objects.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';
import type { WriteResult } from './types.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const schemaWith = (properties: object): object => ({
  openAPIV3Schema: {
    type: 'object',
    properties: { spec: { type: 'object', properties } },
  },
});
const text = { type: 'string' };

function definition(plural: string, kind: string, versions: readonly object[]): unknown {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.stable.io` },
    spec: { group: 'stable.io', scope: 'Namespaced', names: { plural, kind }, versions },
  };
}

const version = (name: string, properties: object, storage = false): object => ({
  name,
  served: true,
  storage,
  schema: schemaWith(properties),
});

function patchDefinition(plural: string, patch: object, subresource = ''): Promise<WriteResult> {
  const place = {
    definition: fixture.kind('apiextensions.k8s.io/v1', 'customresourcedefinitions'),
    namespace: '',
    name: `${plural}.stable.io`,
  };
  return fixture.registry.patch(
    place,
    subresource,
    { type: 'merge', patch, problems: [] },
    fixture.context(),
  );
}

const target = (plural: string, name: string, of = 'v1') => ({
  definition: fixture.kind(`stable.io/${of}`, plural),
  namespace: 'default',
  name,
});

function storedOf(plural: string, name: string): StoredObject {
  const { storageKey } = fixture.kind('stable.io/v1', plural);
  return fixture.store.get(storageKey, 'default', name) ?? assert.fail();
}

/** As a client sees it. */
const shown = (plural: string, name: string, of = 'v1'): KubernetesObject =>
  decodeStored(storedOf(plural, name), fixture.kind(`stable.io/${of}`, plural));

const touch = (plural: string, name: string, of = 'v1'): Promise<WriteResult> =>
  fixture.registry.patch(
    target(plural, name, of),
    '',
    { type: 'merge', patch: {}, problems: [] },
    fixture.context(),
  );

test('an object is stored in the storage version, whichever it is written in', async () => {
  await fixture.create(
    definition('cogs', 'Cog', [
      version('v1', { a: text }),
      version('v2', { a: text, b: text }, true),
    ]),
  );
  const sent = { apiVersion: 'stable.io/v1', kind: 'Cog', metadata: { name: 'x' } };
  await fixture.create({ ...sent, spec: { a: '1' } });
  assert.equal(decode(storedOf('cogs', 'x')).apiVersion, 'stable.io/v2');
  assert.equal(shown('cogs', 'x').apiVersion, 'stable.io/v1');
});

test('each version shows the fields that it has', async () => {
  const sent = { apiVersion: 'stable.io/v2', kind: 'Cog', metadata: { name: 'y' } };
  await fixture.create({ ...sent, spec: { a: '1', b: '2' } });
  assert.deepEqual(shown('cogs', 'y', 'v2')['spec'], { a: '1', b: '2' });
  assert.deepEqual(shown('cogs', 'y')['spec'], { a: '1' });
});

test('after a change of the storage version, a write that changes nothing moves the object, once', async () => {
  const versions = [version('v1', { a: text }, true), version('v2', { a: text, b: text })];
  await patchDefinition('cogs', { spec: { versions } });
  const { revision } = storedOf('cogs', 'x');
  await touch('cogs', 'x');
  const moved = storedOf('cogs', 'x');
  assert.ok(moved.revision > revision);
  assert.equal(decode(moved).apiVersion, 'stable.io/v1');
  await touch('cogs', 'x');
  assert.equal(storedOf('cogs', 'x').revision, moved.revision);
});

test('a version stays in storedVersions until the status is told otherwise, and so long it cannot go', async () => {
  const crds = fixture.kind('apiextensions.k8s.io/v1', 'customresourcedefinitions').storageKey;
  const storedVersions = (): readonly unknown[] => {
    const stored = fixture.store.get(crds, '', 'cogs.stable.io') ?? assert.fail();
    return listAt(decode(stored), 'status', 'storedVersions');
  };
  assert.deepEqual(storedVersions(), ['v2', 'v1']);
  const without = { spec: { versions: [version('v1', { a: text }, true)] } };
  await assert.rejects(patchDefinition('cogs', without), {
    code: 422,
    message: /status\.storedVersions\[0\]: Invalid value: "v2"/,
  });
  await patchDefinition('cogs', { status: { storedVersions: ['v1'] } }, 'status');
  assert.deepEqual(storedVersions(), ['v1']);
  await patchDefinition('cogs', without);
});

test('defaults that come later are shown of what was stored before, and stored with the next write', async () => {
  await fixture.create(definition('pins', 'Pin', [version('v1', { a: text, gone: text }, true)]));
  const sent = { apiVersion: 'stable.io/v1', kind: 'Pin', metadata: { name: 'x' } };
  await fixture.create({ ...sent, spec: { gone: '1' } });
  const versions = [version('v1', { a: { ...text, default: 'late' } }, true)];
  await patchDefinition('pins', { spec: { versions } });
  assert.deepEqual(shown('pins', 'x')['spec'], { a: 'late' });
  assert.deepEqual(decode(storedOf('pins', 'x'))['spec'], { gone: '1' });
  fixture = await fixture.restart();
  assert.deepEqual(shown('pins', 'x')['spec'], { a: 'late' });
  await touch('pins', 'x');
  assert.deepEqual(decode(storedOf('pins', 'x'))['spec'], { a: 'late' });
});

test('what of its names a definition is refused, it keeps as it had it', async () => {
  const [first, second] = ['bolts', 'nuts'].map((plural) =>
    definition(plural, plural === 'bolts' ? 'Bolt' : 'Nut', [version('v1', {}, true)]),
  );
  await fixture.create(first);
  await fixture.create(second);
  const { stored } = await patchDefinition('nuts', {
    spec: { names: { shortNames: ['bolt', 'bolts', 'nt'], listKind: 'Bolt' } },
  });
  const changed = decode(stored);
  assert.equal(fieldAt(changed, 'status', 'acceptedNames', 'listKind'), 'NutList');
  assert.equal(fieldAt(changed, 'status', 'acceptedNames', 'shortNames'), undefined);
  const conditions = listAt(changed, 'status', 'conditions') as readonly Record<string, unknown>[];
  assert.deepEqual(
    conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['NamesAccepted', 'False', 'ListKindConflict', '"Bolt" is already in use'],
      ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
    ],
  );
  assert.equal(fixture.kind('stable.io/v1', 'nuts').listKind, 'NutList');
});

test('groups of the community ask where an API was approved', async () => {
  const made = (name: string, annotation?: string): unknown => ({
    ...(definition('arms', 'Arm', [version('v1', {}, true)]) as object),
    metadata: {
      name: `arms.${name}`,
      ...(annotation === undefined
        ? {}
        : { annotations: { 'api-approved.kubernetes.io': annotation } }),
    },
    spec: {
      group: name,
      scope: 'Cluster',
      names: { plural: 'arms', kind: 'Arm' },
      versions: [version('v1', {}, true)],
    },
  });
  await assert.rejects(fixture.create(made('arms.k8s.io')), {
    code: 422,
    message: /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected gr/,
  });
  await assert.rejects(fixture.create(made('arms.k8s.io', 'because')), {
    code: 422,
    message: /Invalid value: "because": protected groups must have approval annotation/,
  });
  const expected: readonly (readonly [string, string, string])[] = [
    ['a.k8s.io', 'unapproved, experimental', 'UnapprovedAnnotation'],
    ['b.kubernetes.io', 'https://github.com/kubernetes/kubernetes/pull/1', 'ApprovedAnnotation'],
  ];
  for (const [group, annotation, reason] of expected) {
    const object = await fixture.create(made(group, annotation));
    const conditions = listAt(object, 'status', 'conditions') as readonly Record<string, unknown>[];
    assert.deepEqual(
      conditions.map(({ type, reason: why }) => [type, why]),
      [
        ['NamesAccepted', 'NoConflicts'],
        ['Established', 'InitialNamesAccepted'],
        ['KubernetesAPIApprovalPolicyConformant', reason],
      ],
    );
  }
});
