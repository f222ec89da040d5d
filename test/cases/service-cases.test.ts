// Every case of the collection, and of our own: each is a test. And the rules by which we differ: documented, and about content.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '#test/support/windlass.ts';
import { DESIGN_RULES } from './design-rules.ts';
import { playCase } from './play-case.ts';
import { readCases } from './service-case.ts';

const DOCS = readFileSync(join(projectRoot, 'docs', 'uncloud.md'), 'utf8');

for (const file of ['service-cases.json', 'service-cases-own.json']) {
  const text = readFileSync(join(projectRoot, 'test', 'cases', file), 'utf8');
  for (const one of readCases(text)) {
    test(`case ${one.id}, ${one.kind}: ${one.name}`, async () => {
      const { result, detail } = await playCase(one);
      assert.notEqual(result, 'failed', detail);
    });
  }
}

for (const { name, basis } of DESIGN_RULES) {
  test(`docs/uncloud.md has what this rests on: ${name}`, () => {
    const pattern =
      typeof basis === 'number'
        ? new RegExp(String.raw`^\| ${basis} +\|`, 'm')
        : new RegExp(`^### ${basis.slice(1)}$`, 'm');
    assert.match(DOCS, pattern);
  });
}

test('docs/uncloud.md names tests that are there', () => {
  const paths = [...DOCS.matchAll(/`([\w/.-]+\.test\.ts)`/g)].map(([, path = '']) => path);
  assert.ok(paths.length >= 10);
  for (const path of paths) assert.ok(existsSync(join(projectRoot, path)), path);
});

test('an entry that is no case fails, and says why', async () => {
  const entries = [
    null,
    7,
    {},
    { id: 1, name: 'x', kind: 'plan' },
    { id: 1, name: 'x', kind: 'plan', spec: 3, expected: [] },
    { id: 1, name: 'x', kind: 'plan', spec: {}, expected: [{}] },
    { id: 1, name: 'x', kind: 'plan', spec: { container: { image: 3 } }, expected: [] },
    { id: 1, name: 'x', kind: 'plan', spec: { container: { image: 'a' }, odd: 1 }, expected: [] },
    { id: 1, name: 'x', kind: '__proto__', spec: {}, expected: [] },
    { id: 1, name: 'x', kind: 'toString', spec: {}, expected: [] },
  ];
  const cases = readCases(JSON.stringify(entries));
  assert.equal(cases.length, entries.length);
  for (const one of cases) {
    const { result, detail } = await playCase(one);
    assert.equal(result, 'failed');
    assert.match(detail, /no case: |unknown kind /);
  }
});

test('a file that is no list of cases is refused', () => {
  for (const text of ['', '{', '3', 'null', '{"a": []}', '"text"'])
    assert.throws(() => readCases(text), /./, text);
});

test('a wrong expectation is not met', async () => {
  const wrong = { id: 1, name: 'x', kind: 'parse-port', spec: { port: '80/http' } };
  const port = { protocol: 'http', mode: 'ingress', containerPort: 81 };
  for (const expected of [[], [{ op: 'parsed', port }], [{ op: 'error', contains: 'x' }]]) {
    const [one] = readCases(JSON.stringify([{ ...wrong, expected }]));
    assert.ok(one !== undefined);
    assert.equal((await playCase(one)).result, 'failed');
  }
});
