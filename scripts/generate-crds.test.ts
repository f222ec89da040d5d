import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { compileStructural } from '#controlplane/api/schema/structural.ts';
import { definitions, renderCRDs, root } from './generate-crds.ts';

test('deploy holds exactly what the generator writes', async () => {
  const rendered = renderCRDs();
  const folder = join('deploy', 'crds');
  const present = (await readdir(join(root, folder))).map((name) => join(folder, name));
  const expected = [...rendered.keys()].filter((path) => path.startsWith(folder + sep));
  assert.deepEqual(present.toSorted(), expected.toSorted());
  for (const [path, content] of rendered) {
    assert.equal(await readFile(join(root, path), 'utf8'), content, `${path} is out of date`);
  }
});

test('the schema of each kind is structural', () => {
  for (const { metadata, spec } of definitions) {
    const [version] = spec.versions;
    const result = compileStructural(version.schema.openAPIV3Schema, 'openAPIV3Schema');
    assert.ok('schema' in result, `${metadata.name}: ${JSON.stringify(result)}`);
  }
});

test('every list map has keys that are required or have a default', () => {
  const problems: string[] = [];
  for (const { metadata, spec } of definitions)
    walk(spec.versions[0].schema.openAPIV3Schema, metadata.name, problems);
  assert.deepEqual(problems, []);
});

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node;
  readonly items?: Node;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

function walk(node: Node, path: string, problems: string[]): void {
  for (const key of node['x-kubernetes-list-map-keys'] ?? []) {
    const items = node.items;
    const present =
      items?.required?.includes(key) === true || items?.properties?.[key]?.default !== undefined;
    if (!present) problems.push(`${path}[].${key}`);
  }
  for (const [name, child] of Object.entries(node.properties ?? {}))
    walk(child, `${path}.${name}`, problems);
  if (node.items !== undefined) walk(node.items, `${path}[]`, problems);
  if (node.additionalProperties !== undefined)
    walk(node.additionalProperties, `${path}.*`, problems);
}
