import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectorMatches } from './label-selector.ts';

test('selectorMatches() ANDs labels and expressions; empty is all, absent is none', () => {
  const labels = { app: 'web', tier: 'front' };
  const expression = (operator: string, key: string, ...values: readonly string[]): object => ({
    matchExpressions: [{ key, operator, values: [...values] }],
  });
  const table: readonly [Parameters<typeof selectorMatches>[0], boolean][] = [
    [undefined, false],
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [expression('In', 'app', 'db', 'web'), true],
    [expression('In', 'zone', 'a'), false],
    [expression('NotIn', 'app', 'web'), false],
    [expression('NotIn', 'zone', 'a'), true],
    [expression('Exists', 'tier'), true],
    [expression('Exists', 'toString'), false],
    [expression('DoesNotExist', 'zone'), true],
    [expression('Like', 'app', 'w'), false],
  ];
  for (const [selector, expected] of table)
    assert.equal(selectorMatches(selector, labels), expected, JSON.stringify(selector));
});
