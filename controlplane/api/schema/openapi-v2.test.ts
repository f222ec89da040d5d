import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinDefinitions } from '../builtin/definitions.ts';
import { apiVersionOf } from '../object.ts';
import { builtinSchema } from './corpus.ts';
import type { JsonObject } from './json-value.ts';
import { openAPIv2Document } from './openapi-v2.ts';
import { openAPIv3Document } from './openapi.ts';

const definitions = builtinDefinitions(builtinSchema);
const byVersion = Map.groupBy(definitions, ({ group, version }) => apiVersionOf(group, version));
const document = openAPIv2Document(
  [...byVersion].map(([groupVersion, list]) => openAPIv3Document(groupVersion, list)),
);

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const part of path) found = (found as JsonObject | undefined)?.[part];
  return found;
}

test('openAPIv2Document() has a definition for each reference and no word of v3', () => {
  const text = JSON.stringify(document);
  assert.ok(!text.includes('#/components/'), 'a reference of v3');
  for (const word of ['"oneOf":[', '"anyOf":[', '"nullable":true', '"requestBody":']) {
    assert.ok(!text.includes(word), word);
  }
  const known = document['definitions'] as JsonObject;
  for (const [, name = ''] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) {
    assert.ok(Object.hasOwn(known, name), name);
  }
});

test('kinds, references with a default, and forms of their own', () => {
  const core = 'io.k8s.api.core.v1';
  assert.deepEqual(
    at(document, 'definitions', 'io.k8s.api.apps.v1.Deployment', 'x-kubernetes-group-version-kind'),
    [{ group: 'apps', kind: 'Deployment', version: 'v1' }],
  );
  assert.deepEqual(
    at(document, 'definitions', `${core}.Container`, 'properties', 'resources', '$ref'),
    `#/definitions/${core}.ResourceRequirements`,
  );
  const form = (name: string): unknown =>
    at(document, 'definitions', `io.k8s.apimachinery.pkg.${name}`);
  assert.deepEqual(form('util.intstr.IntOrString'), { type: 'string', format: 'int-or-string' });
  assert.deepEqual(form('api.resource.Quantity'), { type: 'string' });
});

test('operations say what they consume and about which kind they are', () => {
  const path = '/apis/apps/v1/namespaces/{namespace}/deployments';
  const create = at(document, 'paths', path, 'post');
  assert.deepEqual(at(create, 'x-kubernetes-group-version-kind'), {
    group: 'apps',
    kind: 'Deployment',
    version: 'v1',
  });
  assert.deepEqual(at(create, 'consumes'), ['application/json', 'application/yaml']);
  const body = (at(create, 'parameters') as JsonObject[]).find(({ name }) => name === 'body');
  assert.deepEqual(body?.['schema'], { $ref: '#/definitions/io.k8s.api.apps.v1.Deployment' });
});

test('what v2 cannot say of a custom resource is left open', () => {
  const custom = openAPIv2Document([
    {
      paths: {},
      components: {
        schemas: {
          'com.example.v1.Thing': {
            type: 'object',
            required: ['maybe', 'sure'],
            properties: {
              maybe: { type: 'string', nullable: true },
              sure: { type: 'integer' },
              any: {
                type: 'object',
                'x-kubernetes-preserve-unknown-fields': true,
                properties: { a: { type: 'string' } },
              },
              port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }] },
            },
          },
        },
      },
    },
  ]);
  assert.deepEqual(at(custom, 'definitions', 'com.example.v1.Thing'), {
    type: 'object',
    required: ['sure'],
    properties: {
      maybe: {},
      sure: { type: 'integer' },
      any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      port: { 'x-kubernetes-int-or-string': true },
    },
  });
});

test('of a kind whose fields nobody names, only the kind is said', () => {
  const kinds = [{ group: 'example.com', version: 'v1', kind: 'Open' }];
  const open = openAPIv2Document([
    {
      paths: {},
      components: {
        schemas: {
          'com.example.v1.Open': {
            type: 'object',
            description: 'an open thing',
            'x-kubernetes-preserve-unknown-fields': true,
            'x-kubernetes-group-version-kind': kinds,
            properties: { metadata: { type: 'object' } },
          },
        },
      },
    },
  ]);
  assert.deepEqual(at(open, 'definitions', 'com.example.v1.Open'), {
    type: 'object',
    'x-kubernetes-group-version-kind': kinds,
  });
});
