import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyOf, parseUse } from './process-usage.ts';
import type { ProcessUse } from './process-usage.ts';

const stat = (name: string): string =>
  `42 (${name}) S 7 40 40 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 12345 1000 200`;

test('parseUse() adds up what it used itself and what its children did', () => {
  const expected = { pid: 42, parent: 7, group: 40, cpuTicks: 124 };
  for (const name of ['node', 'a b', 'a) S 1 1 (b', ''])
    assert.deepEqual(parseUse(stat(name)), expected, name);
  for (const text of [
    '',
    'nonsense',
    '42 (node) S 7',
    '42 (node) S 7 40 40 x x x x x x x x a b c d',
  ])
    assert.equal(parseUse(text), undefined, text);
});

test('familyOf() follows parents and the group, in whatever order they come', () => {
  const one = (pid: number, parent: number, group: number): ProcessUse => ({
    pid,
    parent,
    group,
    cpuTicks: 0,
  });
  const all = [
    one(13, 12, 99), // a grandchild in a group of its own, before its parent
    one(1, 0, 1),
    one(10, 1, 10),
    one(12, 10, 10),
    one(14, 1, 10), // its parent has ended
    one(20, 1, 20),
    one(21, 20, 20),
  ];
  assert.deepEqual(
    familyOf(10, all)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b),
    [10, 12, 13, 14],
  );
  assert.deepEqual(familyOf(30, all), []);
});
