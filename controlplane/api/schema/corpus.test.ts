import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinConstraints } from './builtin-constraints.ts';
import { builtinDefaults } from './builtin-defaults.ts';
import { builtinSchema, componentOf, componentSchema, corpusFields } from './corpus.ts';
import corpus from './corpus.json' with { type: 'json' };
import type { Property } from './schema.ts';

const CORE = 'io.k8s.api.core.v1';

function property(component: string, name: string): Property {
  const found = componentSchema(component)?.properties?.[name];
  assert.ok(found !== undefined, `${component}.${name}`);
  return found;
}

test('builtinSchema() knows the kinds of the first groups and no others', () => {
  const kinds = [
    ['', 'v1', 'Pod'],
    ['apps', 'v1', 'Deployment'],
    ['coordination.k8s.io', 'v1', 'Lease'],
    ['policy', 'v1', 'Eviction'],
    ['autoscaling', 'v1', 'Scale'],
    ['apiextensions.k8s.io', 'v1', 'CustomResourceDefinition'],
  ] as const;
  for (const [group, version, kind] of kinds) {
    const component = builtinSchema(group, version, kind)?.component;
    assert.ok(component?.endsWith(`.${kind}`), kind);
  }
  for (const kind of ['Widget', '__proto__', 'constructor', '']) {
    assert.equal(builtinSchema('', 'v1', kind), undefined);
  }
  assert.equal(componentSchema('toString'), undefined);
});

test('componentOf() finds DeleteOptions under any group', () => {
  const expected = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
  assert.equal(componentOf('example.com', 'v1', 'DeleteOptions'), expected);
});

test('every row of the corpus makes a schema', () => {
  for (const component of Object.keys(corpus.structs)) {
    assert.equal(componentSchema(component)?.component, component);
  }
});

test('the same component is one schema, also where it contains itself', () => {
  const props = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  assert.equal(property(props, 'not').schema, componentSchema(props));
  assert.equal(property(props, 'properties').schema.additionalProperties, componentSchema(props));
});

test('protobuf numbers are unique within a struct', () => {
  for (const component of Object.keys(corpus.structs)) {
    const tags = corpusFields(component)
      .map((field) => field.tag)
      .filter((tag) => tag > 0);
    assert.equal(new Set(tags).size, tags.length, component);
  }
});

test('properties carry merge keys, list types, enums and defaults', () => {
  const containers = property(`${CORE}.PodSpec`, 'containers');
  assert.equal(containers.patchMergeKey, 'name');
  assert.equal(containers.patchStrategy, 'merge');
  assert.deepEqual(containers.schema.listMapKeys, ['name']);
  const ports = property(`${CORE}.Container`, 'ports').schema;
  assert.equal(ports.listType, 'map');
  assert.deepEqual(ports.listMapKeys, ['containerPort', 'protocol']);
  const protocol = property(`${CORE}.ContainerPort`, 'protocol');
  assert.equal(protocol.default, 'TCP');
  assert.deepEqual(protocol.schema.enum, ['SCTP', 'TCP', 'UDP']);
  assert.equal(property(`${CORE}.PodSpec`, 'nodeSelector').schema.mapType, 'atomic');
  assert.equal(property(`${CORE}.Pod`, 'metadata').schema.mapType, undefined);
});

test('fields of inlined structs belong to the one around them', () => {
  const volume = componentSchema(`${CORE}.Volume`);
  assert.ok(volume?.properties?.['emptyDir'] !== undefined);
  assert.equal(volume?.properties?.['+'], undefined);
  assert.deepEqual(componentSchema(`${CORE}.EphemeralContainer`)?.required, ['name', 'image']);
});

test('the tables of defaults and constraints name existing fields only', () => {
  for (const [component, defaults] of Object.entries(builtinDefaults)) {
    for (const name of Object.keys(defaults)) property(component, name);
  }
  for (const [component, { required = [], fields = {} }] of Object.entries(builtinConstraints)) {
    for (const name of [...required, ...Object.keys(fields)]) property(component, name);
  }
});
