import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Strategy } from './strategy.ts';
import { openFixture } from './registry-fixture.ts';
import { validateChange, validateNew } from './validation.ts';

/** A rule of today: no `x`. */
const strategy: Strategy = {
  validate: (object) =>
    stringAt(object, 'data', 'a') === 'x' ? [invalidField('data[a]', 'x', 'must not be x')] : [],
};

const configMap = (a: string, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', namespace: 'n', labels },
  data: { a },
});

test('an object that is older than a rule may be changed elsewhere, and not made to break it', async () => {
  const definition = (await openFixture()).kind('v1', 'configmaps');
  const change = (object: KubernetesObject, old: KubernetesObject): readonly string[] =>
    validateChange(definition, strategy, '', object, old).map(({ field }) => field);
  assert.deepEqual(
    validateNew(definition, strategy, configMap('x')).map(({ field }) => field),
    ['data[a]'],
  );
  assert.deepEqual(change(configMap('x', { a: 'b' }), configMap('x')), []);
  assert.deepEqual(change(configMap('x'), configMap('y')), ['data[a]']);
  assert.deepEqual(change(configMap('y'), configMap('x')), []);
});
