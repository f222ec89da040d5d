import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { builtinSchema } from './corpus.ts';
import { decodeBody } from './decode.ts';
import { countKeys, findDuplicates, memberOrder } from './json-scan.ts';

/** The members of all objects in a value. */
function membersOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + membersOf(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + membersOf(item), 0);
}

/** JSON text of any value, with the white space and escapes that JSON.stringify does not write. */
const documents = fc
  .tuple(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom('', ' ', '\t', '\r\n  '), fc.boolean())
  .map(([value, space, escape]) => {
    const text = JSON.stringify(value, null, space.replaceAll('\r\n', '\n'));
    return escape ? text.replaceAll('"a', '"\\u0061') : text;
  });

test('countKeys() agrees with JSON.parse for documents without duplicates', () => {
  fc.assert(
    fc.property(documents, (text) => {
      assert.equal(countKeys(text), membersOf(JSON.parse(text)));
      assert.deepEqual(findDuplicates(text, 100), []);
    }),
    { numRuns: 2000 },
  );
});

test('findDuplicates() finds a member written twice wherever it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.nat(3)), { minLength: 1, maxLength: 6 }),
      fc.string(),
      (steps, key) => {
        let text = `{${JSON.stringify(key)}:1,"other":[{"x":"\\\\"}],${JSON.stringify(key)}:{}}`;
        let path = key;
        for (const step of steps) {
          const separator = path.startsWith('[') || path === '' ? '' : '.';
          if (typeof step === 'number') {
            text = `[${'"a:b",'.repeat(step)}${text}]`;
            path = `[${step}]${separator}${path}`;
          } else {
            text = `{${JSON.stringify(step)} : ${text}}`;
            path = `${step}${separator}${path}`;
          }
        }
        if (key === 'other') return;
        assert.notEqual(countKeys(text), membersOf(JSON.parse(text)));
        assert.equal(findDuplicates(text, 100).length, 1);
      },
    ),
  );
});

const cases: readonly [name: string, text: string, expected: readonly string[]][] = [
  ['the same name in two objects', '{"a":{"x":1},"b":{"x":1}}', []],
  ['in the root', '{"a":1,"a":2}', ['a']],
  ['three times is told once', '{"a":1,"a":2,"a":3}', ['a']],
  ['below a list', '{"spec":{"c":[{"i":1},{"i":1,"i":2}]}}', ['spec.c[1].i']],
  ['below a list of lists', '[[1,[{"a":1,"a":2}]]]', ['[0][1][0].a']],
  ['after an inner object', '{"a":{"b":{}},"c":1,"a":2}', ['a']],
  ['spelled with an escape', '{"a":1,"\\u0061":2}', ['a']],
  ['colons and braces in strings', '{"a":"\\"a\\":1,{","b":"a\\\\"}', []],
  ['a key called __proto__', '{"__proto__":1,"__proto__":2}', ['__proto__']],
];

for (const [name, text, expected] of cases) {
  test(`findDuplicates(): ${name}`, () => {
    assert.deepEqual(findDuplicates(text, 100), expected);
    assert.equal(countKeys(text) === membersOf(JSON.parse(text)), expected.length === 0);
  });
}

test('findDuplicates() stops at the limit', () => {
  const text = `[${Array.from({ length: 50 }, () => '{"a":1,"a":2}').join()}]`;
  assert.equal(findDuplicates(text, 10).length, 10);
});

test('memberOrder() gives each name the place where it stands first', () => {
  const order = memberOrder('{"b":{"a":1,"a":2},"a":[{"b":1}],"b":3}', (path, again) =>
    again ? `${path} again` : path,
  );
  assert.deepEqual([...order.keys()], ['b', 'b.a', 'b.a again', 'a', 'a[0].b', 'b again']);
});

test('unknown and duplicate fields of a built-in type are told as they stand, of others duplicates first', () => {
  const spec = '{"one":1,"replicas":2,"replicas":3,"two":{"x":1,"x":2}}';
  const text = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":${spec}}`;
  const problems = (schema: Parameters<typeof decodeBody>[2]): readonly string[] =>
    decodeBody(Buffer.from(text), undefined, schema).problems;
  assert.deepEqual(problems(builtinSchema('apps', 'v1', 'Deployment')), [
    'unknown field "spec.one"',
    'duplicate field "spec.replicas"',
    'unknown field "spec.two"',
    'duplicate field "spec.two.x"',
  ]);
  const open = {
    type: 'object',
    properties: { spec: { schema: { type: 'object', properties: {} } } },
  } as const;
  assert.equal(problems(open)[0], 'duplicate field "spec.replicas"');
});
