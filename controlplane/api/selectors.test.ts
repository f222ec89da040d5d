import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  formatLabelSelector,
  labelSelectorOf,
  matchesLabels,
  parseLabelSelector,
} from './selectors.ts';

const labels = { app: 'web', tier: 'front', size: '5', empty: '' };

for (const [text, expected] of [
  ['', true],
  ['app=web', true],
  ['app==web', true],
  ['app = web , tier=front', true],
  ['app=api', false],
  ['app!=api', true],
  ['absent!=api', true],
  ['app in (web,api)', true],
  ['app in(web)', true],
  ['app notin (web)', false],
  ['absent notin (web)', true],
  ['absent in (web)', false],
  ['app', true],
  ['absent', false],
  ['!absent', true],
  ['!app', false],
  ['size>4', true],
  ['size>5', false],
  ['size<10', true],
  ['app>1', false],
  ['empty=', true],
  ['empty in ()', true],
  ['app=web,!absent,size>4,tier in (front,back)', true],
] as const) {
  test(`parseLabelSelector(${JSON.stringify(text)}) ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matchesLabels(parseLabelSelector(text), labels), expected);
  });
}

for (const text of [
  ',',
  'a,',
  'a=b,,c=d',
  'a b',
  'a in web',
  'a in (web',
  'a=b=c',
  'a=(b)',
  '-a=b',
  'a=-b',
  'a>b',
  '!',
  'a/b/c',
  '=a',
]) {
  test(`parseLabelSelector() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseLabelSelector(text), {
      code: 400,
      reason: 'BadRequest',
      message: /^unable to parse requirement: /,
    });
  });
}

const keys = fc.constantFrom('a', 'b', 'example.com/c');
const values = fc.constantFrom('', 'x', 'y', 'Z_1');
const numbers = fc.integer({ min: -9, max: 9 }).map(String);
const noNullPrototype = { noNullPrototype: true };
const requirements = fc.oneof(
  fc.record(
    {
      key: keys,
      operator: fc.constantFrom('=' as const, '!=' as const),
      values: fc.tuple(values),
    },
    noNullPrototype,
  ),
  fc.record(
    {
      key: keys,
      operator: fc.constantFrom('in' as const, 'notin' as const),
      values: fc.uniqueArray(values, { minLength: 1 }).map((list) => list.toSorted()),
    },
    noNullPrototype,
  ),
  fc.record(
    {
      key: keys,
      operator: fc.constantFrom('gt' as const, 'lt' as const),
      values: fc.tuple(numbers),
    },
    noNullPrototype,
  ),
  fc.record(
    {
      key: keys,
      operator: fc.constantFrom('exists' as const, '!' as const),
      values: fc.constant([] as string[]),
    },
    noNullPrototype,
  ),
);

test('parseLabelSelector() reads back what formatLabelSelector() wrote', () => {
  fc.assert(
    fc.property(fc.array(requirements), (selector) => {
      assert.deepEqual(parseLabelSelector(formatLabelSelector(selector)), selector);
    }),
  );
});

test('a requirement and its negation never agree', () => {
  const opposites = { '=': '!=', in: 'notin', exists: '!' } as const;
  fc.assert(
    fc.property(keys, values, fc.dictionary(keys, values), (key, value, object) => {
      for (const operator of ['=', 'in', 'exists'] as const) {
        const list = operator === 'exists' ? [] : [value];
        const yes = matchesLabels([{ key, operator, values: list }], object);
        const no = matchesLabels([{ key, operator: opposites[operator], values: list }], object);
        assert.notEqual(yes, no);
      }
    }),
  );
});

test('labelSelectorOf() joins matchLabels and matchExpressions', () => {
  const selector = labelSelectorOf({
    matchLabels: { tier: 'front', app: 'web' },
    matchExpressions: [
      { key: 'size', operator: 'In', values: ['6', '5'] },
      { key: 'absent', operator: 'DoesNotExist' },
    ],
  });
  assert.equal(formatLabelSelector(selector), 'app=web,tier=front,size in (5,6),!absent');
  assert.ok(matchesLabels(selector, labels));
});

for (const [why, expression] of [
  ['an unknown operator', { key: 'a', operator: 'Like', values: ['b'] }],
  ['In without values', { key: 'a', operator: 'In' }],
  ['Exists with values', { key: 'a', operator: 'Exists', values: ['b'] }],
  ['a bad key', { key: 'a b', operator: 'Exists' }],
] as const) {
  test(`labelSelectorOf() refuses ${why}`, () => {
    assert.throws(() => labelSelectorOf({ matchExpressions: [expression] }), { code: 400 });
  });
}
