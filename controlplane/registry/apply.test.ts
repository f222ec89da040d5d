// Server-side apply as clients see it: who owns what, what is refused and in which words, what is written and what not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { decode, openFixture } from './registry-fixture.ts';
import type { Fixture } from './registry-fixture.ts';

let fixture: Fixture;
let count = 0;

before(async () => {
  fixture = await openFixture();
});
after(() => fixture.close());

interface Answer {
  readonly object: KubernetesObject;
  readonly created: boolean;
}

function configMap(name: string, data?: object, metadata: object = {}): Record<string, unknown> {
  const shown = data === undefined ? {} : { data };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, ...shown };
}

async function patch(
  type: 'apply' | 'merge',
  fieldManager: string,
  name: string,
  body: unknown,
  changes: { readonly force?: boolean; readonly dryRun?: boolean } = {},
): Promise<Answer> {
  const definition = fixture.kind('v1', 'configmaps');
  const { stored, created } = await fixture.registry.patch(
    { definition, namespace: 'default', name },
    '',
    { type, patch: structuredClone(body), problems: [], force: changes.force === true },
    fixture.context({ fieldManager, dryRun: changes.dryRun === true }),
  );
  return { object: decode(stored), created };
}

const apply = (
  manager: string,
  name: string,
  data?: object,
  changes?: { readonly force?: boolean; readonly dryRun?: boolean },
): Promise<Answer> => patch('apply', manager, name, configMap(name, data), changes);

function owners(object: KubernetesObject): Record<string, unknown> {
  const entries = (object.metadata.managedFields ?? []) as {
    readonly manager: string;
    readonly operation: string;
    readonly fieldsV1: unknown;
  }[];
  return Object.fromEntries(
    entries.map(({ manager, operation, fieldsV1 }) => [`${manager} ${operation}`, fieldsV1]),
  );
}

const name = (): string => `m${(count += 1)}`;
const of = (...keys: string[]): unknown => ({
  'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])),
});

test('an apply makes what is not there, owns what it names, and changes nothing when it comes again', async () => {
  const a = name();
  const first = await apply('one', a, { k: 'v' });
  assert.equal(first.created, true);
  assert.deepEqual(owners(first.object), { 'one Apply': of('k') });
  fixture.clock.advance(5_000);
  const again = await apply('one', a, { k: 'v' });
  assert.equal(again.created, false);
  assert.deepEqual(again.object, first.object);
});

test('a field that somebody else set to another value is a conflict; force takes it', async () => {
  const a = name();
  await apply('one', a, { k: 'v', l: 'v' });
  await assert.rejects(apply('two', a, { k: 'w' }), (error: { toStatus: () => unknown }) => {
    assert.deepEqual(error.toStatus(), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Apply failed with 1 conflict: conflict with "one": .data.k',
      reason: 'Conflict',
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "one"',
            field: '.data.k',
          },
        ],
      },
      code: 409,
    });
    return true;
  });
  const taken = await apply('two', a, { k: 'w' }, { force: true });
  assert.deepEqual(taken.object['data'], { k: 'w', l: 'v' });
  assert.deepEqual(owners(taken.object), { 'one Apply': of('l'), 'two Apply': of('k') });
});

test('several conflicts are listed by manager', async () => {
  const a = name();
  await apply('one', a, { k: 'v', l: 'v' });
  await patch('merge', 'three', a, { data: { m: 'v' } });
  await assert.rejects(apply('two', a, { k: 'w', l: 'w', m: 'w' }), {
    message:
      'Apply failed with 3 conflicts: conflicts with "one":\n- .data.k\n- .data.l\nconflicts with "three" using v1:\n- .data.m',
  });
});

test('the same value is owned by all who name it; it goes when the last one leaves it out', async () => {
  const a = name();
  await apply('one', a, { k: 'v', l: 'v' });
  const shared = await apply('two', a, { k: 'v' });
  assert.deepEqual(owners(shared.object), { 'one Apply': of('k', 'l'), 'two Apply': of('k') });
  const left = await apply('one', a);
  assert.deepEqual(left.object['data'], { k: 'v' });
  assert.deepEqual(owners(left.object), { 'two Apply': of('k') });
  const gone = await apply('two', a);
  assert.equal(gone.object['data'], undefined);
  assert.equal(gone.object.metadata.managedFields, undefined);
});

test('updates take what they change, and a removed field is owned by nobody', async () => {
  const a = name();
  await apply('one', a, { k: 'v', l: 'v', m: 'v' });
  const { object } = await patch('merge', 'two', a, { data: { k: 'w', l: null } });
  assert.deepEqual(owners(object), { 'one Apply': of('m'), 'two Update': of('k') });
});

test('a write that leaves all as it was keeps times and revision, whoever makes it', async () => {
  const a = name();
  const { object } = await apply('one', a, { k: 'v' });
  fixture.clock.advance(5_000);
  assert.deepEqual((await patch('merge', 'two', a, { data: { k: 'v' } })).object, object);
});

test('objects from before the first apply belong to before-first-apply', async () => {
  const a = name();
  await fixture.create(configMap(a, { k: 'v', l: 'v' }, { namespace: 'default' }));
  await patch('merge', 'any', a, { metadata: { managedFields: [{}] } });
  assert.equal(fixture.read('v1', 'configmaps', 'default', a)?.metadata.managedFields, undefined);
  await patch('merge', 'any', a, { data: { m: 'v' } });
  assert.equal(fixture.read('v1', 'configmaps', 'default', a)?.metadata.managedFields, undefined);
  await assert.rejects(apply('one', a, { k: 'w' }), {
    message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k',
  });
  const { object } = await apply('one', a, { k: 'v' });
  assert.deepEqual(owners(object), {
    'one Apply': of('k'),
    'before-first-apply Update': {
      'f:data': { '.': {}, 'f:k': {}, 'f:l': {}, 'f:m': {} },
    },
  });
});

test('kubectl goes on from its older apply without conflicts, but not over what others changed since', async () => {
  const a = name();
  const key = 'kubectl.kubernetes.io/last-applied-configuration';
  const last = `${JSON.stringify(configMap(a, { k: 'v', l: 'v' }))}\n`;
  const metadata = { namespace: 'default', annotations: { [key]: last } };
  await fixture.create(configMap(a, { k: 'v', l: 'v' }, metadata), {
    fieldManager: 'kubectl-client-side-apply',
  });
  await assert.rejects(apply('other', a, { k: 'w' }), /conflict with "kubectl-client-side-apply"/);
  const { object } = await apply('kubectl', a, { k: 'w', l: 'v' });
  assert.deepEqual(object['data'], { k: 'w', l: 'v' });
  const kept = JSON.parse(object.metadata.annotations?.[key] ?? '{}') as KubernetesObject;
  assert.deepEqual(kept['data'], { k: 'w', l: 'v' });
  await patch('merge', 'edit', a, { data: { k: 'x' } });
  await assert.rejects(apply('kubectl', a, { k: 'w' }), /conflict with "edit" using v1: .data.k/);
});

test('at most ten updaters are kept apart; the oldest become ancient-changes', async () => {
  const a = name();
  await apply('one', a, { k: 'v' });
  for (let at = 0; at < 13; at += 1) {
    fixture.clock.advance(1_000);
    await patch('merge', `u${String(at).padStart(2, '0')}`, a, { data: { [`x${at}`]: 'v' } });
  }
  const object = fixture.read('v1', 'configmaps', 'default', a);
  assert.ok(object !== undefined);
  const updaters = Object.keys(owners(object)).filter((text) => text.endsWith('Update'));
  assert.equal(updaters.length, 10);
  assert.deepEqual(owners(object)['ancient-changes Update'], of('x0', 'x1', 'x2', 'x3'));
});

test('a dry run shows what would be and makes nothing', async () => {
  const a = name();
  const { object } = await apply('one', a, { k: 'v' }, { dryRun: true });
  assert.deepEqual(owners(object), { 'one Apply': of('k') });
  assert.equal(fixture.read('v1', 'configmaps', 'default', a), undefined);
});

test('an apply that would create asks whether the user may', async () => {
  const a = name();
  const definition = fixture.kind('v1', 'configmaps');
  const permitCreate = (): never => {
    throw new Error('may not create');
  };
  const ask = (): Promise<unknown> =>
    fixture.registry.patch(
      { definition, namespace: 'default', name: a },
      '',
      { type: 'apply', patch: configMap(a, { k: 'v' }), problems: [] },
      { ...fixture.context(), permitCreate },
    );
  await assert.rejects(ask(), /may not create/);
  await apply('one', a, { k: 'v' });
  await ask();
});

test('what is no configuration of the kind is refused', async () => {
  const a = name();
  const typed = `failed to create typed patch object (default/${a}; /v1, Kind=ConfigMap): `;
  const table: readonly (readonly [unknown, string])[] = [
    [{}, 'invalid object type: /, Kind='],
    [{ ...configMap(a), kind: 'Secret' }, 'invalid object type: /v1, Kind=Secret'],
    [{ ...configMap(a), foo: 1 }, `${typed}.foo: field not declared in schema`],
    [configMap(a, ['x']), `${typed}.data: expected map, got &{[x]}`],
    [
      configMap(a, { k: 1 }),
      `${typed}.data.k: expected string, got &value.valueUnstructured{Value:1}`,
    ],
    [
      configMap(a, undefined, { finalizers: ['a/b', 'a/b'] }),
      `${typed}.metadata.finalizers: duplicate entries for key [="a/b"]`,
    ],
    [configMap(a, undefined, { managedFields: [] }), 'metadata.managedFields must be nil'],
    [configMap('other'), 'the name of the object (other) does not match the name on the URL'],
    [
      { apiVersion: 'v1', kind: 'ConfigMap' },
      `the name of the object (${a} based on URL) was undeterminable: name must be provided`,
    ],
  ];
  for (const [body, message] of table) {
    await assert.rejects(patch('apply', 'one', a, body), (error: Error) => {
      assert.ok(error.message.startsWith(message), `${error.message} is not ${message}`);
      return true;
    });
  }
});
