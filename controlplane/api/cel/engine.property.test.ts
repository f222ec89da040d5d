// Whatever is written as a rule, and whatever object it meets, the answer is a list of field errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileStructural } from '../schema/structural.ts';
import { checkRules, evaluateRules } from './engine.ts';

const ATOMS = [
  'self',
  'self.n',
  'self.s',
  'self.l',
  'self.m',
  'self.o',
  'self.port',
  'self.t',
  'oldSelf.n',
  '1',
  '2.5',
  '3u',
  "'a'",
  "b'a'",
  'true',
  'null',
  '[]',
  '[1, 2]',
  "{'a': 1}",
  'dyn(1)',
  'int',
  "duration('1h')",
  "timestamp('2026-01-01T00:00:00Z')",
  "quantity('1Gi')",
  "ip('::1')",
  "cidr('10.0.0.0/8')",
  "url('http://a/')",
  'optional.none()',
  'optional.of(1)',
  'self.?n',
] as const;

const METHODS = [
  'size',
  'sum',
  'min',
  'isSorted',
  'trim',
  'lowerAscii',
  'join',
  'hasValue',
  'value',
  'family',
  'getHours',
  'masked',
  'asInteger',
  'sign',
  'getHost',
  'getQuery',
  'reverse',
  'json',
  'at',
] as const;
const METHODS_OF_ONE = [
  'contains',
  'matches',
  'findAll',
  'split',
  'indexOf',
  'charAt',
  'substring',
  'format',
  'or',
  'orValue',
  'add',
  'compareTo',
  'containsIP',
  'join',
  'startsWith',
  'getHours',
  'validate',
] as const;
const LOOPS = ['all', 'exists', 'exists_one', 'map', 'filter', 'optMap'] as const;
const FUNCTIONS = [
  'size',
  'int',
  'string',
  'double',
  'type',
  'dyn',
  'has',
  'isIP',
  'bytes',
] as const;
const OPERATORS = ['+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', 'in'] as const;

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc.tuple(tie('expression'), fc.constantFrom(...METHODS)).map(([a, name]) => `${a}.${name}()`),
    fc
      .tuple(tie('expression'), fc.constantFrom(...METHODS_OF_ONE), tie('expression'))
      .map(([a, name, b]) => `${a}.${name}(${b})`),
    fc
      .tuple(tie('expression'), fc.constantFrom(...LOOPS), tie('expression'))
      .map(([a, name, b]) => `${a}.${name}(x, ${b})`),
    fc.tuple(fc.constantFrom(...FUNCTIONS), tie('expression')).map(([name, a]) => `${name}(${a})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a}[${b}]`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('expression').map((a) => `!${a}`),
  ),
}));

const text = { type: 'string' };
const PROPERTIES = {
  n: { type: 'integer' },
  s: text,
  l: { type: 'array', items: { type: 'integer' } },
  m: { type: 'object', additionalProperties: text },
  o: { type: 'object', properties: { a: text } },
  port: { 'x-kubernetes-int-or-string': true },
  t: { type: 'string', format: 'date-time' },
};
const OBJECTS = [
  {
    n: 1,
    s: 'a',
    l: [1, 2],
    m: { a: 'b' },
    o: { a: 'x' },
    port: 'http',
    t: '2026-01-02T03:04:05Z',
  },
  { n: -3, s: '😀', l: [], m: {}, o: {}, port: 80, t: '2026-01-02T03:04:05+01:00' },
  {},
];

function tried(rule: string): void {
  const spec = {
    type: 'object',
    properties: PROPERTIES,
    'x-kubernetes-validations': [{ rule, messageExpression: `string(${rule})` }, { rule }],
  };
  const compiled = compileStructural({ type: 'object', properties: { spec } }, 'S');
  assert.ok('schema' in compiled);
  for (const { field } of checkRules(compiled.schema, 'S')) assert.match(field, /^S(\.|$)/);
  for (const object of OBJECTS) {
    for (const { field } of evaluateRules(compiled.schema, { spec: object }, { spec: {} })) {
      assert.match(field, /^spec|^<nil>$/);
    }
  }
}

test('any expression is refused, or evaluated to an answer', () => {
  fc.assert(
    fc.property(expression, (body) => {
      tried(body);
      tried(`${body} == ${body}`);
      tried(`dyn(${body}) == 1`);
    }),
    { numRuns: 300 },
  );
});

test('any text is refused, or evaluated to an answer', () => {
  const soup = fc
    .array(
      fc.oneof(
        fc.constantFrom(...ATOMS, ...OPERATORS, '(', ')', '[', '.', '?', ',', '"', '\\'),
        fc.string(),
      ),
    )
    .map((parts) => parts.join(' '));
  fc.assert(fc.property(soup, tried), { numRuns: 300 });
});
