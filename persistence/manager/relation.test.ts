// How two logs relate, from their claims alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOf } from './claims-fixture.ts';
import { isSuperseded, relationOf } from './relation.ts';

const one = claimOf({ id: 'one', epoch: 1, previous: 0, revision: 1 });
const two = claimOf({ id: 'two', epoch: 2, previous: 10, revision: 11 });
const source = { claims: [one, two], revision: 20 };

for (const [what, log, relation] of [
  ['nothing', { claims: [], revision: 0 }, 'Empty'],
  ['the same', source, 'Prefix'],
  ['less of the newest epoch', { claims: [one, two], revision: 12 }, 'Prefix'],
  ['the earlier epoch to its end', { claims: [one], revision: 10 }, 'Prefix'],
  ['the earlier epoch, not to its end', { claims: [one], revision: 4 }, 'Prefix'],
  ['the earlier epoch, beyond its end', { claims: [one], revision: 11 }, 'Diverged'],
  ['more than the source', { claims: [one, two], revision: 21 }, 'Diverged'],
  [
    'a claim that the source does not know',
    { claims: [one, claimOf({ id: 'other', epoch: 2, previous: 10, revision: 11 })], revision: 11 },
    'Diverged',
  ],
  ['no claim of any cluster', { claims: [], revision: 5 }, 'Foreign'],
  [
    'another cluster',
    { claims: [claimOf({ id: 'x', epoch: 9, cluster: 'elsewhere' })], revision: 5 },
    'Foreign',
  ],
] as const)
  test(`a log that holds ${what} is ${relation}`, () => {
    assert.equal(relationOf(source, log), relation);
  });

test('a claim as new as ours that is not ours supersedes it; older ones and itself do not', () => {
  assert.equal(isSuperseded(two, [one, two]), false);
  assert.equal(isSuperseded(two, [one]), false);
  assert.equal(isSuperseded(two, [claimOf({ id: 'same epoch', epoch: 2 })]), true);
  assert.equal(isSuperseded(two, [two, claimOf({ id: 'newer', epoch: 3 })]), true);
});
