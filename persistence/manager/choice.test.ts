// What a start goes on from, decided from what was found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose } from './choice.ts';
import type { Found, Remembered } from './choice.ts';
import type { Claim } from './claim.ts';
import { claimOf } from './claims-fixture.ts';

const NOTHING: Remembered = { reached: {} };
const first = claimOf({ id: 'first', epoch: 1 });
const second = claimOf({ id: 'second', epoch: 2, previous: 10, revision: 11 });

const seen = (name: string, claims: readonly Claim[], revision: number): Found => ({
  name,
  isSeen: true,
  claims,
  revision,
});
const unseen = (name: string): Found => ({ name, isSeen: false, reason: 'it does not answer' });

test('of one epoch the longest log is the source, and the first that is seen the primary', () => {
  const found = [seen('a', [first], 5), seen('b', [first], 5)];
  assert.deepEqual(choose(found, NOTHING), { source: 'a', primary: 'a', doubts: [] });
  const ahead = [unseen('x'), seen('a', [first], 5), seen('b', [first], 7)];
  const { source, primary } = choose(ahead, NOTHING);
  assert.deepEqual([source, primary], ['b', 'a']);
});

test('a newer claim wins over a longer log', () => {
  const newer = claimOf({ ...second, members: ['b', 'a'] });
  const found = [seen('a', [first], 99), seen('b', [first, newer], 11)];
  assert.equal(choose(found, NOTHING).source, 'b');
});

test('nothing that can be used, and the data of two clusters, are refused', () => {
  assert.throws(() => choose([unseen('a')], NOTHING), {
    name: 'StartRefusedError',
    message: /no persistence instance can be used\n {2}a: it does not answer/,
  });
  const other = claimOf({ id: 'other', epoch: 1, cluster: 'elsewhere' });
  assert.throws(() => choose([seen('a', [first], 5), seen('b', [other], 5)], NOTHING), {
    name: 'StartRefusedError',
    message: /different clusters/,
  });
});

test('where the primary of the newest epoch is away, it may hold more, unless the policy says otherwise', () => {
  const doubtsOf = (claim: Claim): number =>
    choose([unseen('a'), seen('b', [claim], 5), seen('c', [claim], 5)], NOTHING).doubts.length;
  const members = ['a', 'b', 'c'];
  assert.equal(doubtsOf(claimOf({ ...first, members })), 1);
  assert.equal(doubtsOf(claimOf({ ...first, members, ack: 'quorum' })), 0);
  assert.equal(doubtsOf(claimOf({ ...first, members, ack: 'all' })), 0);
  assert.equal(doubtsOf(claimOf({ ...first, members, ack: 'all', onSyncLoss: 'degrade' })), 1);
});

test('a replica that is away holds nothing that the primary lacks', () => {
  assert.deepEqual(choose([seen('a', [first], 5), unseen('b')], NOTHING).doubts, []);
});

test('an instance that holds less than it did is told apart', () => {
  const remembered = { reached: { a: { epoch: 1, revision: 9 } } };
  const [doubt] = choose([seen('a', [first], 5), seen('b', [first], 5)], remembered).doubts;
  assert.match(doubt ?? '', /a may hold more: .* was at 9 of epoch 1: an older copy/);
});

test('what this data directory has had acknowledged must be known somewhere', () => {
  const remembered = { claim: second, reached: {} };
  const [doubt] = choose([seen('a', [first], 5), seen('b', [first], 5)], remembered).doubts;
  assert.match(doubt ?? '', /was at epoch 2 when it last ran/);
});

test('logs that went apart are told of, where both may have been acknowledged', () => {
  const other = claimOf({ id: 'other', epoch: 2, previous: 5, revision: 6, members: ['b', 'a'] });
  const newest = claimOf({ ...second, epoch: 3, previous: 5, revision: 6 });
  const found = [seen('a', [first, newest], 8), seen('b', [first, other], 7)];
  const [doubt] = choose(found, NOTHING).doubts;
  assert.match(doubt ?? '', /b and a went apart/);
});

test('a promotion holds as long as the same instance is named first', () => {
  const promotion = claimOf({ ...second, members: ['b', 'a'], insteadOf: 'a', place: 'nfs:/b' });
  const [a, b] = [seen('a', [first, promotion], 20), seen('b', [first, promotion], 20)] as const;
  assert.deepEqual(choose([a, b], NOTHING), {
    source: 'a',
    primary: 'b',
    insteadOf: 'a',
    doubts: [],
  });
  assert.deepEqual(choose([b, a], NOTHING), { source: 'b', primary: 'b', doubts: [] });
  const third = seen('c', [], 0);
  assert.equal(choose([third, a, b], NOTHING).primary, 'c', 'the configuration was changed');
  // Also when the one that it stands for is away.
  const { primary, insteadOf } = choose([unseen('a'), third, b], NOTHING);
  assert.deepEqual([primary, insteadOf], ['b', 'a']);
  // And when it is away itself, it may hold more.
  const without = choose([a, unseen('b')], NOTHING);
  assert.deepEqual([without.primary, without.insteadOf], ['a', undefined]);
  assert.equal(without.doubts.length, 1);
  const [doubt] = choose([a], NOTHING).doubts;
  assert.match(doubt ?? '', /b may hold more: it is not configured; give --persistence nfs:\/b/);
});

test('what holds the log of a member under another name is that one, moved, unless that is known to have been further', () => {
  const claim = claimOf({ ...first, members: ['a'] });
  const reached = (revision: number): Remembered => ({ reached: { a: { epoch: 1, revision } } });
  const doubtsOf = (remembered: Remembered): readonly string[] =>
    choose([seen('b', [claim], 5)], remembered).doubts;
  assert.deepEqual(doubtsOf(NOTHING), []);
  assert.deepEqual(doubtsOf(reached(5)), []);
  assert.deepEqual(doubtsOf(reached(6)), [
    'a may hold more: it was at revision 6 of epoch 1, and b, which holds its log, ends at 5: a copy of before',
  ]);
});
