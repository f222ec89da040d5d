import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';
import type { PatchType } from './types.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const configMap = (name: string, data: unknown = { a: '1' }): unknown => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

const target = (name: string, apiVersion = 'v1', resource = 'configmaps') => ({
  definition: fixture.kind(apiVersion, resource),
  namespace: 'default',
  name,
});

const patch = (name: string, type: PatchType, document: unknown, subresource = '') =>
  fixture.registry.patch(
    target(name),
    subresource,
    { type, patch: document, problems: [] },
    fixture.context(),
  );

const replace = (object: KubernetesObject, resource = 'configmaps', subresource = '') =>
  fixture.registry.update(
    target(object.metadata.name ?? '', object.apiVersion, resource),
    subresource,
    { object: structuredClone(object), problems: [] },
    fixture.context(),
  );

describe('create', () => {
  test('fills in what the server owns and ignores what the client claims', async () => {
    const made = await fixture.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'filled',
        uid: 'mine',
        creationTimestamp: '2000-01-01T00:00:00Z',
        deletionTimestamp: '2000-01-01T00:00:00Z',
        generation: 7,
        managedFields: [{}],
      },
    });
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.match(made.metadata.resourceVersion ?? '', /^\d+$/);
    assert.deepEqual(Object.keys(made), ['kind', 'apiVersion', 'metadata']);
    assert.equal(made.metadata.creationTimestamp, '2026-11-21T12:00:00Z');
    assert.equal(made.metadata.namespace, 'default');
    assert.equal(made.metadata.deletionTimestamp, undefined);
    assert.equal(made.metadata.generation, undefined);
    assert.equal(made.metadata.managedFields, undefined);
  });

  test('refuses a name that is taken', async () => {
    await fixture.create(configMap('twice'));
    await assert.rejects(fixture.create(configMap('twice')), {
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
    });
  });

  test('makes names from generateName', async () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } };
    const names = await Promise.all([fixture.create(object), fixture.create(object)]);
    for (const { metadata } of names) {
      assert.match(metadata.name ?? '', /^made-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    }
    assert.notEqual(names[0]?.metadata.name, names[1]?.metadata.name);
  });

  for (const [why, object, code, message] of [
    ['no name', { metadata: {} }, 422, /metadata\.name: Required value/],
    ['a bad name', { metadata: { name: 'A' } }, 422, /metadata\.name: Invalid value: "A"/],
    ['a bad label', { metadata: { name: 'a', labels: { 'a b': 'c' } } }, 422, /metadata\.labels/],
    [
      'a label that is no string',
      { metadata: { name: 'a', labels: { a: 1 } } },
      400,
      /metadata\.labels\.a/,
    ],
    ['another namespace', { metadata: { name: 'a', namespace: 'other' } }, 400, /namespace/],
    [
      'another kind',
      { kind: 'Pod', metadata: { name: 'a' } },
      400,
      /cannot be handled as a ConfigMap/,
    ],
    [
      'another version',
      { apiVersion: 'v2', metadata: { name: 'a' } },
      400,
      /does not match the expected/,
    ],
    [
      'a resourceVersion',
      { metadata: { name: 'a', resourceVersion: '5' } },
      400,
      /should not be set/,
    ],
    [
      'an unknown field',
      { metadata: { name: 'a' }, dat: {} },
      400,
      /strict decoding error: unknown field "dat"/,
    ],
    ['a bad key', { metadata: { name: 'a' }, data: { 'a/b': '' } }, 422, /data\[a\/b\]/],
    [
      'too much data',
      { metadata: { name: 'a' }, data: { a: 'x'.repeat(2 ** 20 + 1) } },
      422,
      /Too long/,
    ],
    [
      'two controllers',
      { metadata: { name: 'a', ownerReferences: [owner('1'), owner('2')] } },
      422,
      /Only one/,
    ],
    ['a bare finalizer', { metadata: { name: 'a', finalizers: ['mine'] } }, 422, /finalizers\[0\]/],
    [
      'large annotations',
      { metadata: { name: 'a', annotations: { a: 'x'.repeat(2 ** 18) } } },
      422,
      /annotations: Too long/,
    ],
  ] as const) {
    test(`refuses ${why}`, async () => {
      const definition = fixture.kind('v1', 'configmaps');
      const body = { object: structuredClone(object) as unknown as KubernetesObject, problems: [] };
      await assert.rejects(
        fixture.registry.create(definition, 'default', body, fixture.context()),
        {
          code,
          message,
        },
      );
    });
  }

  test('warns of unknown fields and drops them when told to', async () => {
    const object = { ...(configMap('warned') as KubernetesObject), extra: 1 };
    const made = await fixture.create(object, { fieldValidation: 'Warn' });
    assert.equal(made['extra'], undefined);
    assert.ok(fixture.warnings.includes('unknown field "extra"'));
  });

  test('a dry run answers as if and writes nothing', async () => {
    const { revision } = fixture.store;
    const made = await fixture.create(configMap('dry'), { dryRun: true });
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(made.metadata.resourceVersion, undefined);
    assert.equal(fixture.read('v1', 'configmaps', 'default', 'dry'), undefined);
    assert.equal(fixture.store.revision, revision);
    await fixture.create(configMap('dry'));
    await assert.rejects(fixture.create(configMap('dry'), { dryRun: true }), { code: 409 });
  });

  test('an object that was read from here is created by a dry run only, and what else is wrong with it is told first', async () => {
    const read = (data: unknown): unknown => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'read', resourceVersion: '5' },
      data,
    });
    const made = await fixture.create(read({ a: 'b' }), { dryRun: true });
    assert.equal(made.metadata.resourceVersion, undefined);
    await assert.rejects(fixture.create(read({ a: 'b' })), { code: 400 });
    await assert.rejects(fixture.create(read({ 'a/b': '' })), {
      code: 422,
      message: /data\[a\/b\]/,
    });
  });

  test('a Secret takes stringData and never shows a value in an error', async () => {
    const made = await fixture.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      stringData: { word: 'open' },
    });
    assert.deepEqual(made['data'], { word: 'b3Blbg==' });
    assert.equal(made['stringData'], undefined);
    assert.equal(made['type'], 'Opaque');
    const bad = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 't' },
      data: { word: 'o!pen' },
    };
    await assert.rejects(fixture.create(bad), (error: Error) => {
      assert.doesNotMatch(error.message, /o!pen/);
      return true;
    });
  });
});

function owner(uid: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, controller: true };
}

describe('update', () => {
  test('needs the newest revision, keeps identity, and a no-op keeps the revision', async () => {
    const made = await fixture.create(configMap('updated'));
    const same = await replace(made);
    assert.equal(String(same.stored.revision), made.metadata.resourceVersion);
    const changed = { ...made, data: { a: '2' } };
    changed.metadata = { ...made.metadata, creationTimestamp: '2000-01-01T00:00:00Z' };
    const next = decode((await replace(changed)).stored);
    assert.deepEqual(next['data'], { a: '2' });
    assert.equal(next.metadata.creationTimestamp, made.metadata.creationTimestamp);
    await assert.rejects(replace(changed), { code: 409, reason: 'Conflict' });
    await assert.rejects(replace({ ...next, metadata: { ...next.metadata, uid: 'other' } }), {
      code: 409,
      message: /Precondition failed: UID/,
    });
  });

  test('without a revision the last write wins', async () => {
    await fixture.create(configMap('unconditional'));
    const wanted = configMap('unconditional', { a: '3' }) as KubernetesObject;
    const results = await Promise.all([replace(wanted), replace(wanted), replace(wanted)]);
    assert.ok(results.every(({ created }) => !created));
    assert.deepEqual(fixture.read('v1', 'configmaps', 'default', 'unconditional')?.['data'], {
      a: '3',
    });
  });

  test('of an absent object is 404, but creates a Lease', async () => {
    await assert.rejects(replace(configMap('absent') as KubernetesObject), { code: 404 });
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15 },
    };
    assert.equal((await replace(lease, 'leases')).created, true);
    await assert.rejects(replace(lease, 'leases'), {
      code: 422,
      message: /metadata\.resourceVersion: Invalid value: .*must be specified for an update/,
    });
  });

  test('an immutable ConfigMap stays as it is', async () => {
    const made = await fixture.create({ ...(configMap('fixed') as object), immutable: true });
    await assert.rejects(replace({ ...made, data: {} }), { code: 422, message: /data: Forbidden/ });
  });
});

describe('patch', () => {
  test('merge, JSON and strategic patches change the newest state', async () => {
    await fixture.create(configMap('patched', { a: '1', b: '2' }));
    await patch('patched', 'merge', { data: { a: null, c: '3' } });
    await patch('patched', 'json', [{ op: 'replace', path: '/data/b', value: '4' }]);
    const { stored } = await patch('patched', 'strategic', { data: { d: '5' } });
    assert.deepEqual(decode(stored)['data'], { b: '4', c: '3', d: '5' });
  });

  test('many patches of one object at once all count', async () => {
    await fixture.create(configMap('contended', {}));
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => patch('contended', 'merge', { data: { [key]: '' } })));
    const data = fixture.read('v1', 'configmaps', 'default', 'contended')?.['data'];
    assert.deepEqual(Object.keys(data as object).toSorted(), keys.toSorted());
  });

  test('a revision in the patch is a precondition', async () => {
    const made = await fixture.create(configMap('pinned'));
    await patch('pinned', 'merge', { data: { a: '2' } });
    const stale = {
      metadata: { resourceVersion: made.metadata.resourceVersion },
      data: { a: '3' },
    };
    await assert.rejects(patch('pinned', 'merge', stale), { code: 409 });
  });

  test('an unknown field is 422 on the field patch', async () => {
    await fixture.create(configMap('strict'));
    await assert.rejects(patch('strict', 'merge', { dta: {} }), {
      code: 422,
      message: /patch: Invalid value: .*strict decoding error: unknown field "dta"/,
    });
  });

  test('a wrong type in a strategic patch is said of the patch, as upstream does', async () => {
    await fixture.create(configMap('restore'));
    const refused = {
      code: 422,
      message: /patch: Invalid value: .*: cannot restore map from string/,
    };
    await assert.rejects(patch('restore', 'strategic', { metadata: { labels: 'a' } }), refused);
    await assert.rejects(patch('restore', 'merge', { metadata: { labels: 'a' } }), { code: 400 });
  });

  test('of an absent object is 404', async () => {
    await assert.rejects(patch('nobody', 'merge', {}), { code: 404 });
  });
});

describe('delete', () => {
  test('removes at once, shows the last state, honours preconditions', async () => {
    const made = await fixture.create(configMap('gone'));
    const remove = (preconditions: { uid?: string; resourceVersion?: string }) =>
      fixture.registry.delete(target('gone'), { preconditions }, fixture.context());
    await assert.rejects(remove({ uid: 'x' }), { code: 409, message: /Precondition failed: UID/ });
    await assert.rejects(remove({ resourceVersion: '1' }), { code: 409 });
    const { removed, stored } = await remove({ uid: made.metadata.uid ?? '' });
    assert.equal(removed, true);
    assert.ok(stored.revision > Number(made.metadata.resourceVersion));
    assert.equal(decode(stored).metadata.deletionTimestamp, undefined);
    await assert.rejects(remove({}), { code: 404 });
  });

  test('finalizers hold an object, none can be added, the last one lets it go with one event', async () => {
    const made = await fixture.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'held', finalizers: ['example.com/a', 'example.com/b'] },
    });
    const { removed } = await fixture.registry.delete(target('held'), {}, fixture.context());
    assert.equal(removed, false);
    const held = fixture.read('v1', 'configmaps', 'default', 'held') ?? made;
    assert.equal(held.metadata.deletionTimestamp, '2026-11-21T12:00:00Z');
    assert.equal(held.metadata.deletionGracePeriodSeconds, 0);
    await assert.rejects(patch('held', 'merge', { metadata: { finalizers: ['example.com/c'] } }), {
      code: 422,
      message: /no new finalizers can be added/,
    });
    await patch('held', 'merge', { metadata: { finalizers: ['example.com/b'] } });
    const types: string[] = [];
    const watch = fixture.store.watch('core/configmaps', fixture.store.revision, {
      events: (events) => types.push(...events.map(({ type }) => type)),
      closed: () => undefined,
    });
    await patch('held', 'merge', { metadata: { finalizers: null } });
    watch.close();
    assert.deepEqual(types, ['DELETED']);
    assert.equal(fixture.read('v1', 'configmaps', 'default', 'held'), undefined);
  });

  test('Foreground and Orphan become finalizers, Background takes them away', async () => {
    await fixture.create(configMap('propagated'));
    const remove = (propagationPolicy: 'Foreground' | 'Orphan' | 'Background') =>
      fixture.registry.delete(target('propagated'), { propagationPolicy }, fixture.context());
    assert.deepEqual(decode((await remove('Foreground')).stored).metadata.finalizers, [
      'foregroundDeletion',
    ]);
    assert.deepEqual(decode((await remove('Orphan')).stored).metadata.finalizers, ['orphan']);
    assert.equal((await remove('Background')).removed, true);
  });

  test('a collection goes one by one, by selector', async () => {
    for (const name of ['c1', 'c2', 'c3']) await fixture.create(configMap(name));
    const { results } = await fixture.registry.deleteCollection(
      fixture.kind('v1', 'configmaps'),
      'default',
      { matches: ({ name }) => name === 'c1' || name === 'c3' },
      {},
      fixture.context(),
    );
    assert.deepEqual(results.map(({ stored }) => stored.name).toSorted(), ['c1', 'c3']);
    assert.notEqual(fixture.read('v1', 'configmaps', 'default', 'c2'), undefined);
  });

  test('a dry run leaves the object', async () => {
    await fixture.create(configMap('stays'));
    const context = fixture.context({ dryRun: true });
    assert.equal((await fixture.registry.delete(target('stays'), {}, context)).removed, true);
    assert.notEqual(fixture.read('v1', 'configmaps', 'default', 'stays'), undefined);
  });
});
