import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinDefinitions } from '../builtin/definitions.ts';
import { builtinSchema } from './corpus.ts';
import type { JsonObject } from './json-value.ts';
import { openAPIv3Document } from './openapi.ts';

const definitions = builtinDefinitions(builtinSchema);
const core = openAPIv3Document(
  'v1',
  definitions.filter(({ group }) => group === ''),
);

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((found, key) => (found as JsonObject | undefined)?.[key], value);
}

test('openAPIv3Document() gives what kubectl looks up for a Pod', () => {
  const patch = at(core, 'paths', '/api/v1/namespaces/{namespace}/pods/{name}', 'patch');
  assert.deepEqual(at(patch, 'x-kubernetes-group-version-kind'), {
    group: '',
    kind: 'Pod',
    version: 'v1',
  });
  const parameters = at(patch, 'parameters') as { name: string }[];
  assert.ok(parameters.some(({ name }) => name === 'fieldValidation'));
  const types = Object.keys(at(patch, 'requestBody', 'content') as JsonObject);
  assert.ok(types.includes('application/strategic-merge-patch+json'));
  assert.ok(at(core, 'paths', '/api/v1/pods', 'get'), 'kubectl explain reads the list of all');
  const pod = at(core, 'components', 'schemas', 'io.k8s.api.core.v1.Pod');
  assert.deepEqual(at(pod, 'x-kubernetes-group-version-kind'), [
    { group: '', kind: 'Pod', version: 'v1' },
  ]);
});

test('openAPIv3Document() carries merge keys beside references', () => {
  const containers = at(
    core,
    'components',
    'schemas',
    'io.k8s.api.core.v1.PodSpec',
    'properties',
    'containers',
  );
  assert.equal(at(containers, 'x-kubernetes-patch-merge-key'), 'name');
  assert.equal(at(containers, 'x-kubernetes-patch-strategy'), 'merge');
  assert.deepEqual(at(containers, 'items'), {
    $ref: '#/components/schemas/io.k8s.api.core.v1.Container',
  });
});

test('openAPIv3Document() has a component for each reference, in every group version', () => {
  const groupVersions = new Set(
    definitions.map(({ group, version }) => (group === '' ? version : `${group}/${version}`)),
  );
  for (const groupVersion of groupVersions) {
    const document = openAPIv3Document(
      groupVersion,
      definitions.filter(
        ({ group, version }) => (group === '' ? version : `${group}/${version}`) === groupVersion,
      ),
    );
    const schemas = at(document, 'components', 'schemas') as JsonObject;
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)];
    assert.ok(references.length > 0, groupVersion);
    for (const [, name = ''] of references) assert.ok(Object.hasOwn(schemas, name), name);
  }
});
