import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { canonicalQuantity, compareQuantities, formatQuantity, parseQuantity } from './quantity.ts';

for (const [text, expected] of [
  ['0', '0'],
  ['0.5', '500m'],
  ['500m', '500m'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['1.5', '1500m'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1Gi', '1Gi'],
  ['1024Mi', '1Gi'],
  ['0.5Gi', '512Mi'],
  ['1.5Ki', '1536'],
  ['2e3', '2e3'],
  ['1E', '1E'],
  ['-1.5Gi', '-1536Mi'],
  ['.5', '500m'],
  ['5.', '5'],
  ['+5', '5'],
  ['0.1n', '1n'],
  ['12E6', '12e6'],
] as const) {
  test(`canonicalQuantity(${text}) is ${expected}`, () => {
    assert.equal(canonicalQuantity(text), expected);
  });
}

for (const text of [
  '',
  '.',
  '1ki',
  '1KiB',
  '1 Gi',
  '1e',
  'Gi',
  '1.2.3',
  '0x10',
  '1e99',
  '-',
  'NaN',
]) {
  test(`parseQuantity() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseQuantity(text), undefined);
  });
}

const quantities = fc.record({
  nano: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  format: fc.constantFrom('decimal' as const, 'binary' as const, 'exponent' as const),
});

test('parseQuantity() of formatQuantity() is the same amount, and canonical already', () => {
  fc.assert(
    fc.property(quantities, (quantity) => {
      const text = formatQuantity(quantity);
      const back = parseQuantity(text);
      assert.equal(back?.nano, quantity.nano, text);
      assert.equal(canonicalQuantity(text), text);
    }),
  );
});

test('compareQuantities() orders by amount whatever the notation', () => {
  const parse = (text: string) => parseQuantity(text) ?? assert.fail(text);
  assert.equal(compareQuantities(parse('1Gi'), parse('1024Mi')), 0);
  assert.ok(compareQuantities(parse('1G'), parse('1Gi')) < 0);
  assert.ok(compareQuantities(parse('1001m'), parse('1')) > 0);
});
