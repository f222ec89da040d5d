import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barText } from './bar.ts';

test('barText() shows the share as a bar and in percent', () => {
  assert.equal(barText('a', 0, 100, ''), `a  [${'-'.repeat(24)}]    0 %`);
  assert.equal(barText('a', 25, 100, ''), `a  [${'#'.repeat(6)}${'-'.repeat(18)}]   25 %`);
  assert.equal(barText('a', 100, 100, 'Up'), `a  [${'#'.repeat(24)}]  100 %  Up`);
});

test('barText() stays in its bounds', () => {
  for (const [done, of] of [
    [5, 0],
    [7, 5],
  ] as const)
    assert.match(barText('a', done, of, ''), /100 %$/);
  assert.match(barText('a', -1, 5, ''), / {2}0 %$/);
});
