import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  checkConfigKey,
  checkDNS1035Label,
  checkDNSLabel,
  checkDNSSubdomain,
  checkLabelValue,
  checkPathSegment,
  checkQualifiedName,
  generateName,
} from './names.ts';

const long = (length: number): string => 'a'.repeat(length);

const cases = [
  {
    check: checkDNSLabel,
    good: ['a', 'a-1', long(63)],
    bad: ['', 'A', '-a', 'a-', 'a.b', long(64)],
  },
  {
    check: checkDNSSubdomain,
    good: ['a', 'a.b-c.9', `${long(63)}.${long(63)}`],
    bad: ['', 'a..b', '.a', 'a_b', 'a.-b', long(254)],
  },
  { check: checkDNS1035Label, good: ['a', 'a-1'], bad: ['1a', 'a.b', long(64)] },
  { check: checkLabelValue, good: ['', 'A', 'a_b.c-d', '1'], bad: ['-a', 'a ', 'a/b', long(64)] },
  {
    check: checkQualifiedName,
    good: ['a', 'A.b_c', 'example.com/Name', `example.com/${long(63)}`],
    bad: ['', '/a', 'a/', 'a/b/c', 'Example.com/a', 'a b', long(64)],
  },
  {
    check: checkConfigKey,
    good: ['a', '.env', 'A_b-c.d'],
    bad: ['', '.', '..', '..a', 'a/b', 'a b'],
  },
  { check: checkPathSegment, good: ['a', 'system:x', 'A B'], bad: ['.', '..', 'a/b', 'a%b'] },
];

for (const { check, good, bad } of cases) {
  test(`${check.name}() accepts what is right and says what is wrong`, () => {
    for (const value of good) assert.equal(check(value), undefined, value);
    for (const value of bad) assert.equal(typeof check(value), 'string', JSON.stringify(value));
  });
}

test('generateName() stays a label whatever the prefix length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (length) => {
      const name = generateName(long(length), (count) => 'x'.repeat(count));
      assert.equal(checkDNSLabel(name), undefined);
      assert.ok(name.endsWith('xxxxx'));
      assert.equal(name.length, Math.min(length, 58) + 5);
    }),
  );
});
