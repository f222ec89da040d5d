// Writes that somebody outside is asked about: what they saw is what is written, or nothing is.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import type { Admission, AdmissionRequest } from './admission.ts';
import type { Fixture } from './registry-fixture.ts';
import { openFixture } from './registry-fixture.ts';

type Ask = (request: AdmissionRequest) => unknown;

/** Asked about ConfigMaps and Services, and by nobody but the test that set them. */
let mutate: Ask | undefined;
let validate: Ask | undefined;
const admission: Admission = {
  gate({ resource }) {
    if (resource !== 'configmaps' && resource !== 'services') return undefined;
    const [first, second] = [mutate, validate];
    return {
      mutate: first && (async (request) => (await first(request)) as KubernetesObject | undefined),
      validate: second && (async (request) => void (await second(request))),
    };
  },
};

let fixture: Fixture;
before(async () => (fixture = await openFixture(admission)));
after(() => fixture.close());

async function asked<T>(asks: { mutate?: Ask; validate?: Ask }, run: () => Promise<T>): Promise<T> {
  ({ mutate, validate } = { mutate: undefined, validate: undefined, ...asks });
  try {
    return await run();
  } finally {
    mutate = undefined;
    validate = undefined;
  }
}

const configMap = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  ...more,
});

function withData({ object, refine }: AdmissionRequest, data: object): KubernetesObject {
  const made = copyJson(object) as KubernetesObject;
  made['data'] = data;
  refine(made);
  return made;
}

const patch = (name: string, data: object): Promise<unknown> =>
  fixture.registry.patch(
    { definition: fixture.kind('v1', 'configmaps'), namespace: 'default', name },
    '',
    { type: 'merge', patch: { data }, problems: [] },
    fixture.context(),
  );

suite('what was shown is what is written', () => {
  test('a new object', async () => {
    let shown: unknown;
    const made = await asked(
      {
        mutate: (request) => {
          assert.equal(request.object?.metadata.uid, undefined, 'it has none yet');
          return withData(request, { a: 'mutated' });
        },
        validate: ({ object }) => (shown = copyJson(object)),
      },
      () => fixture.create(configMap('new', { data: { a: 'sent' } })),
    );
    assert.deepEqual(made['data'], { a: 'mutated' });
    const { resourceVersion: _revision, ...metadata } = made.metadata;
    assert.deepEqual({ ...made, metadata }, shown);
  });

  test('a patch of an object that others change meanwhile starts anew', async () => {
    await fixture.create(configMap('raced', { data: { a: '1' } }));
    const seen: unknown[] = [];
    await asked(
      {
        validate: async ({ object, old }) => {
          seen.push([old?.['data'], object?.['data']]);
          if (seen.length === 1) {
            validate = undefined;
            const other = patch('raced', { other: 'x' });
            await other;
            validate = ({ object: next, old: before }) =>
              void seen.push([before?.['data'], next?.['data']]);
          }
        },
      },
      () => patch('raced', { a: '2' }),
    );
    assert.deepEqual(seen, [
      [{ a: '1' }, { a: '2' }],
      [
        { a: '1', other: 'x' },
        { a: '2', other: 'x' },
      ],
    ]);
    const stored = fixture.read('v1', 'configmaps', 'default', 'raced');
    assert.deepEqual(stored?.['data'], { a: '2', other: 'x' });
  });

  test('a deletion of an object that others change meanwhile asks again', async () => {
    await fixture.create(configMap('going', { data: { a: '1' } }));
    const seen: unknown[] = [];
    const target = {
      definition: fixture.kind('v1', 'configmaps'),
      namespace: 'default',
      name: 'going',
    };
    await asked(
      {
        validate: async ({ operation, old }) => {
          if (operation !== 'DELETE') return;
          seen.push(old?.['data']);
          if (seen.length === 1) await patch('going', { a: '2' });
        },
      },
      () => fixture.registry.delete(target, {}, fixture.context()),
    );
    assert.deepEqual(seen, [{ a: '1' }, { a: '2' }]);
  });
});

test('nothing lands in a namespace that went away while somebody was asked', async () => {
  await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'leaving' } });
  const remove: Ask = async () => {
    const definition = fixture.kind('v1', 'namespaces');
    await fixture.registry.delete(
      { definition, namespace: '', name: 'leaving' },
      {},
      fixture.context(),
    );
  };
  const metadata = { name: 'late', namespace: 'leaving' };
  const both: readonly { mutate?: Ask; validate?: Ask }[] = [
    { mutate: remove },
    { validate: remove },
  ];
  for (const asks of both) {
    await assert.rejects(
      asked(asks, () => fixture.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata })),
      /because it is being terminated/,
    );
  }
  assert.equal(fixture.read('v1', 'configmaps', 'leaving', 'late'), undefined);
});

const addressOf = (service: unknown): string => stringAt(service, 'spec', 'clusterIP');

test('addresses that were shown are given to nobody else', async () => {
  const service = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80 }] },
  });
  let other: KubernetesObject | undefined;
  let shown = '';
  const made = await asked(
    {
      validate: async ({ object }) => {
        shown = addressOf(object);
        validate = undefined;
        other = await fixture.create(service('second'));
      },
    },
    () => fixture.create(service('first')),
  );
  assert.equal(addressOf(made), shown);
  assert.notEqual(addressOf(other), shown);
});

test('a name that is taken meanwhile is another one, and shown again', async () => {
  const names: string[] = [];
  const made = await asked(
    {
      validate: async ({ name }) => {
        names.push(name);
        if (names.length > 1) return;
        validate = ({ name: next }) => void names.push(next);
        await fixture.create(configMap(name));
      },
    },
    () =>
      fixture.create({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { generateName: 'gen-', namespace: 'default' },
      }),
  );
  assert.equal(made.metadata.name, names.at(-1));
  assert.notEqual(names[0], names.at(-1));
});

test('a dry run is shown and not written; the own writes of the server are not shown', async () => {
  const seen: unknown[] = [];
  const validateAll: Ask = ({ context }) => void seen.push(context.dryRun);
  await asked({ validate: validateAll }, async () => {
    await fixture.create(configMap('dry'), { dryRun: true });
    await fixture.create(configMap('own'), { isInternal: true });
  });
  assert.deepEqual(seen, [true]);
  assert.equal(fixture.read('v1', 'configmaps', 'default', 'dry'), undefined);
});

test('who is refused gets the words of whoever refuses, and nothing is written', async () => {
  const refusal = new Error('no');
  await assert.rejects(
    asked({ validate: () => Promise.reject(refusal) }, () => fixture.create(configMap('refused'))),
    refusal,
  );
  assert.equal(fixture.read('v1', 'configmaps', 'default', 'refused'), undefined);
});
