import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { ManifestError, manifestFiles, parseManifests, readManifests } from './manifest.ts';

const TWO = `# A comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
---
# only a comment
---
apiVersion: windlass.dev/v1alpha1
kind: Service
metadata: { name: b, namespace: c }
spec:
  template:
    spec:
      containers:
        - name: x
          imagee: y
`;

test('parseManifests() finds each document and its first line', () => {
  const manifests = parseManifests('f.yaml', TWO);
  assert.deepEqual(
    manifests.map(({ number, line, object }) => [number, line, object.kind, object.metadata.name]),
    [
      [1, 2, 'ConfigMap', 'a'],
      [3, 9, 'Service', 'b'],
    ],
  );
});

test('lineOf() finds a field, or the nearest one above it', () => {
  const service = parseManifests('f.yaml', TWO)[1];
  assert.equal(service?.lineOf('spec.template.spec.containers[0].imagee'), 17);
  assert.equal(service?.lineOf('spec.template.spec.containers[0].ports[2]'), 16);
  assert.equal(service?.lineOf('spec.template'), 13);
  assert.equal(service?.lineOf('status'), 9);
});

test('parseManifests() reads JSON and unfolds a List', () => {
  const item = (name: string): string =>
    `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${name}"}}`;
  const text = `{"apiVersion": "v1", "kind": "List",\n"items": [\n${item('a')},\n${item('b')}]}`;
  assert.deepEqual(
    parseManifests('f.json', text).map(({ object, line }) => [object.metadata.name, line]),
    [
      ['a', 3],
      ['b', 4],
    ],
  );
});

test('parseManifests() finds nothing in an empty file', () => {
  for (const text of ['', '\n', '# nothing\n', '---\n'])
    assert.deepEqual(parseManifests('f.yaml', text), []);
});

const WRONG: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['a syntax error', 'a: 1\nb: [\nc: 2\n', /^f\.yaml, document 1, line \d: does not parse: /],
  ['a tab', 'apiVersion: v1\n\tkind: x\n', /^f\.yaml, document 1, line \d: does not parse: /],
  [
    'an error in the second document',
    'apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nb: [\n',
    /document 2, line \d/,
  ],
  ['a key twice', 'a: 1\na: 2\n', /line 2: does not parse: Map keys must be unique/],
  ['a scalar', 'hello\n', /line 1: must be an object with apiVersion, kind and metadata/],
  ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', /kind must be a string, found nothing/],
  [
    'no name',
    'apiVersion: v1\nkind: A\nmetadata: {}\n',
    /metadata\.name must be a string, found nothing/,
  ],
  [
    'a numeric name',
    'apiVersion: v1\nkind: A\nmetadata: {name: 1}\n',
    /metadata\.name must be a string, found 1/,
  ],
  ['an alias to nothing', 'a: *b\n', /does not parse: /],
];

for (const [what, text, message] of WRONG) {
  test(`parseManifests() refuses ${what}, and says where`, () => {
    assert.throws(
      () => parseManifests('f.yaml', text),
      (error) => error instanceof ManifestError && message.test(error.message),
    );
  });
}

test('manifestFiles() takes a file as it is and the manifests of a folder by name', () => {
  const folder = tempDir();
  for (const name of ['b.yaml', 'a.yml', 'c.json', 'README.md', '.hidden'])
    writeFileSync(join(folder, name), '');
  mkdirSync(join(folder, 'below'));
  assert.deepEqual(
    manifestFiles(folder),
    ['a.yml', 'b.yaml', 'c.json'].map((name) => join(folder, name)),
  );
  assert.deepEqual(manifestFiles(join(folder, 'README.md')), [join(folder, 'README.md')]);
});

test('manifestFiles() and readManifests() name what is not there', () => {
  const folder = tempDir();
  assert.throws(() => manifestFiles(folder), /the folder holds no \.yaml, \.yml or \.json file/);
  assert.throws(() => manifestFiles(join(folder, 'no')), /no: cannot be read: ENOENT/);
  assert.throws(() => readManifests(join(folder, 'no')), /no: cannot be read: ENOENT/);
});
