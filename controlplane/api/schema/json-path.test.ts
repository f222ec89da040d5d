import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileJsonPath, jsonPathProblem } from './json-path.ts';

const object = {
  metadata: { labels: { 'app.kubernetes.io/name': 'web', plain: 'x' } },
  spec: {
    replicas: 0,
    list: [
      { name: 'a', n: 1 },
      { name: 'b', n: 2 },
    ],
    nothing: null,
  },
  status: {
    conditions: [
      { type: 'Init', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
  },
};

const rows: readonly (readonly [path: string, values: readonly unknown[]])[] = [
  ['.spec.replicas', [0]],
  ['{.spec.replicas}', [0]],
  ['$.spec.replicas', [0]],
  ['.spec.nothing', [null]],
  ['.spec.missing.deeper', []],
  ['.spec.toString', []],
  ['.spec.list[0].name', ['a']],
  ['.spec.list[-1].name', ['b']],
  ['.spec.list[7].name', []],
  ['.spec.list[*].name', ['a', 'b']],
  ['.spec.list[0:1].name', ['a']],
  ['.spec.list[1:].name', ['b']],
  [".metadata.labels['plain']", ['x']],
  [".metadata.labels['app\\.kubernetes\\.io/name']", ['web']],
  ['.metadata.labels.app\\.kubernetes\\.io/name', ['web']],
  ['.metadata.labels.*', ['web', 'x']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type == 'Ready')].status", ['True']],
  ['.status.conditions[?(@.type!="Ready")].status', ['False']],
  ['.spec.list[?(@.n>1)].name', ['b']],
  ['.spec.list[?(@.n<=1)].name', ['a']],
  ['.spec.list[?(@.n)].name', ['a', 'b']],
  ['.spec.list[?(@.name=="]")].name', []],
];

test('compileJsonPath() finds what kubectl finds', () => {
  for (const [path, values] of rows) {
    assert.deepEqual(compileJsonPath(path)(object), values, path);
  }
});

test('compileJsonPath() refuses what it cannot read, naming it', () => {
  for (const path of [
    '',
    'spec',
    '..spec',
    '.spec[',
    '.a[?(type)]',
    '.a[?(@.b=~"c")]',
    '.a[b]',
    '.a..b',
    '.',
  ]) {
    if (path === '.') assert.equal(jsonPathProblem(path), undefined);
    else assert.match(jsonPathProblem(path) ?? '', /^Cannot read the JSON path "/, path);
  }
});

test('jsonPathProblem() and compiled paths survive any text and value', () => {
  const paths = fc.stringMatching(/^[.a[\]'"?@()=*0:\\]{0,12}$/);
  fc.assert(
    fc.property(paths, fc.jsonValue({ maxDepth: 3 }), (text, value) => {
      if (jsonPathProblem(text) === undefined) compileJsonPath(text)(value);
    }),
  );
});
