import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalQuantity, ONE, parseQuantity } from './quantity.ts';

test('parseQuantity() counts in billionths, rounded up', () => {
  const table: readonly [string, bigint | undefined][] = [
    ['0', 0n],
    ['1', ONE],
    ['500m', ONE / 2n],
    ['.5', ONE / 2n],
    ['5.', 5n * ONE],
    ['1k', 1_000n * ONE],
    ['1Ki', 1_024n * ONE],
    ['1.5Gi', 1_610_612_736n * ONE],
    ['2e3', 2_000n * ONE],
    ['2E-3', ONE / 500n],
    ['1E', 10n ** 18n * ONE],
    ['1n', 1n],
    ['0.5n', 1n],
    ['-1500m', (-3n * ONE) / 2n],
    ['+1', ONE],
    ['', undefined],
    ['.', undefined],
    ['m', undefined],
    ['1K', undefined],
    ['1 Gi', undefined],
    ['0x1', undefined],
    ['1e1000', undefined],
    ['NaN', undefined],
  ];
  for (const [text, expected] of table) assert.equal(parseQuantity(text), expected, text);
});

test('canonicalQuantity() gives equal quantities one text, and leaves alone what is none', () => {
  for (const [a, b] of [
    ['1000m', '1'],
    ['1Gi', '1024Mi'],
    ['1e3', '1k'],
    ['0.1', '100m'],
  ] as const) {
    assert.equal(canonicalQuantity(a), canonicalQuantity(b));
  }
  assert.equal(canonicalQuantity('a lot'), 'a lot');
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'Ki', 'Gi', 'e3'),
      (amount, suffix) => {
        const once = canonicalQuantity(`${amount}${suffix}`);
        assert.equal(canonicalQuantity(once), once);
        assert.equal(parseQuantity(once), parseQuantity(`${amount}${suffix}`));
      },
    ),
  );
});
