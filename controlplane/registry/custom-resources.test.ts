// CustomResourceDefinitions and what they define: life cycle, pruning, scale, versions, start-up.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf, fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer', minimum: 0, default: 1 },
        color: { type: 'string', enum: ['red', 'green'] },
      },
    },
    status: {
      type: 'object',
      properties: { replicas: { type: 'integer' }, selector: { type: 'string' } },
    },
  },
};

function definitionOf(plural: string, kind: string, changes: object = {}): unknown {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
        },
        { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: schema } },
      ],
      ...changes,
    },
  };
}

const CRDS = 'customresourcedefinitions';
const readDefinition = (plural: string) =>
  fixture.read('apiextensions.k8s.io/v1', CRDS, '', `${plural}.example.com`);

const crdTarget = (plural: string) => ({
  definition: fixture.kind('apiextensions.k8s.io/v1', CRDS),
  namespace: '',
  name: `${plural}.example.com`,
});

const target = (plural: string, name: string, version = 'v1') => ({
  definition: fixture.kind(`example.com/${version}`, plural),
  namespace: 'default',
  name,
});

const custom = (kind: string, name: string, spec: object = {}): KubernetesObject => ({
  apiVersion: 'example.com/v1',
  kind,
  metadata: { name },
  spec,
});

const body = (object: unknown) => ({ object: object as KubernetesObject, problems: [] });

describe('CustomResourceDefinition', () => {
  test('is established and served when its create returns', async () => {
    const made = await fixture.create(definitionOf('widgets', 'Widget'));
    assert.equal(conditionOf(made, 'NamesAccepted')['status'], 'True');
    assert.equal(conditionOf(made, 'Established')['status'], 'True');
    assert.deepEqual(fieldAt(made, 'status', 'storedVersions'), ['v1']);
    assert.equal(fieldAt(made, 'status', 'acceptedNames', 'listKind'), 'WidgetList');
    assert.equal(fieldAt(made, 'status', 'acceptedNames', 'singular'), 'widget');
    assert.equal(fixture.kind('example.com/v1', 'widgets').kind, 'Widget');
    assert.equal(fixture.kind('example.com/v1beta1', 'widgets').custom, true);
  });

  test('is not established while its names clash', async () => {
    const made = await fixture.create(
      definitionOf('gadgets', 'Gadget', {
        names: { plural: 'gadgets', kind: 'Gadget', shortNames: ['widget'] },
      }),
    );
    const condition = conditionOf(made, 'NamesAccepted');
    assert.equal(condition['status'], 'False');
    assert.equal(condition['reason'], 'ShortNamesConflict');
    assert.equal(conditionOf(made, 'Established')['status'], 'False');
    assert.throws(() => fixture.kind('example.com/v1', 'gadgets'));
  });

  test('of two made at the same moment with one short name, the second waits until it is free', async () => {
    const names = (plural: string, kind: string) => ({
      names: { plural, kind, shortNames: ['tw'] },
    });
    const [first, second] = await Promise.all([
      fixture.create(definitionOf('twins', 'Twin', names('twins', 'Twin'))),
      fixture.create(definitionOf('twixes', 'Twix', names('twixes', 'Twix'))),
    ]);
    assert.equal(conditionOf(first, 'NamesAccepted')['status'], 'True');
    assert.equal(conditionOf(second, 'NamesAccepted')['reason'], 'ShortNamesConflict');
    await fixture.registry.delete(crdTarget('twins'), {}, fixture.context());
    await fixture.registry.idle();
    assert.equal(conditionOf(readDefinition('twixes'), 'Established')['status'], 'True');
    assert.equal(fixture.kind('example.com/v1', 'twixes').kind, 'Twix');
  });

  test('is refused with a name that is not plural.group, and cannot change its scope', async () => {
    const wrong = definitionOf('things', 'Thing') as KubernetesObject;
    wrong.metadata.name = 'other.example.com';
    await assert.rejects(fixture.create(wrong), { code: 422, message: /metadata\.name/ });
    const patch = fixture.registry.patch(
      crdTarget('widgets'),
      '',
      { type: 'merge', patch: { spec: { scope: 'Cluster' } }, problems: [] },
      fixture.context(),
    );
    await assert.rejects(patch, { code: 422, message: /spec\.scope: .*immutable/ });
  });

  test('adds a version at once when it is updated', async () => {
    const old = readDefinition('widgets') ?? assert.fail();
    const versions = fieldAt(old, 'spec', 'versions') as object[];
    const added = { ...versions[1], name: 'v2' };
    await fixture.registry.patch(
      crdTarget('widgets'),
      '',
      { type: 'merge', patch: { spec: { versions: [...versions, added] } }, problems: [] },
      fixture.context(),
    );
    assert.equal(fixture.kind('example.com/v2', 'widgets').version, 'v2');
    assert.equal(readDefinition('widgets')?.metadata.generation, 2);
  });

  test('takes its instances with it, those with finalizers last', async () => {
    await fixture.create(definitionOf('leaving', 'Leaver'));
    await fixture.create(custom('Leaver', 'plain'));
    const held = custom('Leaver', 'held');
    held.metadata.finalizers = ['example.com/hold'];
    await fixture.create(held);
    const definition = fixture.kind('example.com/v1', 'leaving');
    const deletion = fixture.registry.delete(crdTarget('leaving'), {}, fixture.context());
    await assert.rejects(fixture.create(custom('Leaver', 'meanwhile')), { code: 403 });
    assert.equal((await deletion).removed, false);
    await assert.rejects(fixture.create(custom('Leaver', 'late')), {
      code: 403,
      message: /create not allowed while custom resource definition is terminating/,
    });
    await fixture.registry.idle();
    assert.equal(conditionOf(readDefinition('leaving'), 'Terminating')['status'], 'True');
    assert.equal(fixture.store.count(definition.storageKey), 1);
    await fixture.registry.patch(
      target('leaving', 'held'),
      '',
      { type: 'merge', patch: { metadata: { finalizers: null } }, problems: [] },
      fixture.context(),
    );
    await fixture.registry.idle();
    assert.equal(readDefinition('leaving'), undefined);
    assert.throws(() => fixture.kind('example.com/v1', 'leaving'));
  });
});

describe('custom resource', () => {
  test('is pruned, defaulted and validated', async () => {
    const sent = { ...custom('Widget', 'a', { color: 'red', extra: 1 }), status: { replicas: 9 } };
    const made = await fixture.create(sent, { fieldValidation: 'Warn' });
    assert.deepEqual(made['spec'], { color: 'red', replicas: 1 });
    assert.equal(made['status'], undefined);
    assert.equal(made.metadata.generation, 1);
    assert.ok(fixture.warnings.includes('unknown field "spec.extra"'));
    await assert.rejects(fixture.create(custom('Widget', 'b', { replicas: -1, color: 'blue' })), {
      code: 422,
      message: /spec\.replicas: Invalid value: .*spec\.color: Unsupported value: "blue"/,
    });
  });

  test('counts generations of everything but status and metadata; status writes change only status', async () => {
    await fixture.create(custom('Widget', 'counted'));
    const patch = (subresource: string, document: unknown) =>
      fixture.registry.patch(
        target('widgets', 'counted'),
        subresource,
        { type: 'merge', patch: document, problems: [] },
        fixture.context(),
      );
    await patch('', { metadata: { labels: { a: 'b' } }, status: { replicas: 3 } });
    let now = fixture.read('example.com/v1', 'widgets', 'default', 'counted');
    assert.equal(now?.metadata.generation, 1);
    assert.equal(now?.['status'], undefined);
    await patch('status', {
      metadata: { labels: { a: 'c' } },
      spec: { replicas: 7 },
      status: { replicas: 3 },
    });
    now = fixture.read('example.com/v1', 'widgets', 'default', 'counted');
    assert.deepEqual(now?.['status'], { replicas: 3 });
    assert.deepEqual(now?.['spec'], { replicas: 1 });
    assert.deepEqual(now?.metadata.labels, { a: 'b' });
    await patch('', { spec: { replicas: 2 } });
    now = fixture.read('example.com/v1', 'widgets', 'default', 'counted');
    assert.equal(now?.metadata.generation, 2);
  });

  test('is written without a strategic merge and never without a revision', async () => {
    const made = await fixture.create(custom('Widget', 'careful'));
    const strategic = { type: 'strategic' as const, patch: {}, problems: [] };
    await assert.rejects(
      fixture.registry.patch(target('widgets', 'careful'), '', strategic, fixture.context()),
      { code: 415 },
    );
    const update = (object: KubernetesObject) =>
      fixture.registry.update(target('widgets', 'careful'), '', body(object), fixture.context());
    await assert.rejects(update(custom('Widget', 'careful')), {
      code: 422,
      message: /resourceVersion/,
    });
    await update(made);
  });

  test('can be written through another version', async () => {
    await fixture.create(custom('Widget', 'both'));
    const { stored } = await fixture.registry.patch(
      target('widgets', 'both', 'v1beta1'),
      '',
      { type: 'merge', patch: { spec: { color: 'green' } }, problems: [] },
      fixture.context(),
    );
    assert.deepEqual(decode(stored)['spec'], { color: 'green', replicas: 1 });
  });
});

describe('scale', () => {
  test('reads and writes the counts of the object', async () => {
    await fixture.create(custom('Widget', 'scaled', { replicas: 2 }));
    const place = target('widgets', 'scaled');
    await fixture.registry.patch(
      place,
      'status',
      { type: 'merge', patch: { status: { replicas: 1, selector: 'app=x' } }, problems: [] },
      fixture.context(),
    );
    const scale = fixture.registry.getScale(place);
    assert.equal(scale.apiVersion, 'autoscaling/v1');
    assert.deepEqual(scale['spec'], { replicas: 2 });
    assert.deepEqual(scale['status'], { replicas: 1, selector: 'app=x' });
    const patch = { type: 'merge' as const, patch: { spec: { replicas: 5 } }, problems: [] };
    const patched = await fixture.registry.patchScale(place, patch, fixture.context());
    assert.deepEqual(patched['spec'], { replicas: 5 });
    const object = fixture.read('example.com/v1', 'widgets', 'default', 'scaled');
    assert.deepEqual(object?.['spec'], { replicas: 5 });
    assert.equal(object?.metadata.generation, 2);
    await assert.rejects(fixture.registry.updateScale(place, body(scale), fixture.context()), {
      code: 409,
    });
    const below = { ...patched, spec: { replicas: -1 } };
    await assert.rejects(fixture.registry.updateScale(place, body(below), fixture.context()), {
      code: 422,
      message: /spec\.replicas: Invalid value: -1: must be greater than or equal to 0/,
    });
    const zero = await fixture.registry.updateScale(
      place,
      body({ ...patched, spec: { replicas: 0 } }),
      fixture.context(),
    );
    assert.deepEqual(zero['spec'], { replicas: 0 });
  });

  test('of a kind without it is 404', () => {
    const place = { definition: fixture.kind('v1', 'configmaps'), namespace: 'default', name: 'a' };
    assert.throws(() => fixture.registry.getScale(place), { code: 404 });
  });
});

describe('bootstrap', () => {
  const signal = new AbortController().signal;

  test('creates what is missing, updates what differs, and touches nothing else', async () => {
    const objects = [definitionOf('tools', 'Tool'), custom('Tool', 'hammer', { color: 'red' })];
    await fixture.registry.bootstrap(objects, signal);
    const { revision } = fixture.store;
    await fixture.registry.bootstrap(objects, signal);
    assert.equal(fixture.store.revision, revision);
    await fixture.registry.bootstrap([custom('Tool', 'hammer', { color: 'green' })], signal);
    const hammer = fixture.read('example.com/v1', 'tools', 'default', 'hammer');
    assert.deepEqual(hammer?.['spec'], { color: 'green', replicas: 1 });
  });
});

test('a restart serves the kinds again and finishes deletions that it interrupted', async () => {
  await fixture.create(definitionOf('slow', 'Slow'));
  const held = custom('Slow', 'held');
  held.metadata.finalizers = ['example.com/hold'];
  await fixture.create(held);
  await fixture.registry.delete(crdTarget('slow'), {}, fixture.context());
  fixture = await fixture.restart();
  assert.equal(fixture.kind('example.com/v1', 'widgets').kind, 'Widget');
  await fixture.registry.patch(
    target('slow', 'held'),
    '',
    { type: 'merge', patch: { metadata: { finalizers: null } }, problems: [] },
    fixture.context(),
  );
  await fixture.registry.idle();
  assert.equal(readDefinition('slow'), undefined);
});
