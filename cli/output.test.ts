import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge, formatTable } from './output.ts';

test('formatTable() pads to the widest cell and leaves no blanks at the end', () => {
  assert.equal(
    formatTable(
      ['NAME', 'AGE', ''],
      [
        ['a-long-name', '5s', ''],
        ['b', '10m', 'current'],
      ],
    ),
    'NAME          AGE\na-long-name   5s\nb             10m   current\n',
  );
});

test('formatTable() keeps a row on its line and the terminal as it is', () => {
  const shown = formatTable(['NAME'], [['a\n\u001b[31mb']]);
  assert.equal(shown, 'NAME\na\\n\\x1b[31mb\n');
});

test('formatAge() uses at most two units, as kubectl does', () => {
  const cases: readonly (readonly [seconds: number, text: string])[] = [
    [-1, '0s'],
    [119, '119s'],
    [120, '2m'],
    [301, '5m1s'],
    [601, '10m'],
    [10_800, '3h'],
    [11_000, '3h3m'],
    [3600 * 9, '9h'],
    [3600 * 52, '2d4h'],
    [3600 * 24 * 9, '9d'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatAge(seconds * 1000), text);
});
