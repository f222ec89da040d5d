import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ResourceDefinition } from './resource.ts';
import { storageKeyOf } from './resource.ts';
import { compareVersions, Scheme } from './scheme.ts';
import { defaultTable } from './table.ts';

function definition(group: string, version: string, resource: string): ResourceDefinition {
  return {
    group,
    version,
    resource,
    singular: resource,
    kind: `Kind-${resource}`,
    listKind: `Kind-${resource}List`,
    namespaced: true,
    shortNames: [],
    categories: [],
    verbs: [],
    schema: { type: 'object' },
    table: defaultTable,
    subresources: [],
    selectableFields: {},
    custom: true,
    storageKey: storageKeyOf(group, resource),
  };
}

test('compareVersions() puts stable before beta before alpha before names', () => {
  const sorted = ['v10', 'v2', 'v1', 'v11beta2', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'v0'];
  fc.assert(
    fc.property(fc.shuffledSubarray(sorted, { minLength: sorted.length }), (shuffled) => {
      assert.deepEqual(shuffled.toSorted(compareVersions), sorted);
    }),
  );
});

test('Scheme finds definitions by resource and by kind until they are removed', () => {
  const scheme = new Scheme();
  const old = definition('example.com', 'v1beta1', 'widgets');
  const current = definition('example.com', 'v1', 'widgets');
  const pods = definition('', 'v1', 'pods');
  const changes: number[][] = [];
  const stop = scheme.onChange(({ added, removed }) =>
    changes.push([added.length, removed.length]),
  );
  scheme.add([old, current, pods]);
  assert.equal(scheme.byResource('example.com', 'v1', 'widgets'), current);
  assert.equal(scheme.byKind('', 'v1', 'Kind-pods'), pods);
  assert.deepEqual(scheme.versionsOf('example.com', 'widgets'), [current, old]);
  assert.deepEqual(scheme.groups(), [
    { group: '', versions: ['v1'] },
    { group: 'example.com', versions: ['v1', 'v1beta1'] },
  ]);
  const generation = scheme.generation;
  scheme.remove([old]);
  assert.equal(scheme.byResource('example.com', 'v1beta1', 'widgets'), undefined);
  assert.ok(scheme.generation > generation);
  stop();
  scheme.remove([current]);
  assert.deepEqual(changes, [
    [3, 0],
    [0, 1],
  ]);
});
