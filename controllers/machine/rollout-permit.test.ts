import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specHash } from './machine-goal.ts';
import {
  DISTRIBUTION_LABEL,
  PERMIT_ANNOTATION,
  rolloutPermit,
  TARGET_ANNOTATION,
} from './rollout-permit.ts';
import type { PermitHolder } from './rollout-permit.ts';

function driven(given: string | undefined, status: PermitHolder['status'] = {}): PermitHolder {
  const annotations = {
    [TARGET_ANNOTATION]: 'goal',
    ...(given === undefined ? {} : { [PERMIT_ANNOTATION]: given }),
  };
  return { metadata: { labels: { [DISTRIBUTION_LABEL]: 'k0s' }, annotations }, spec: {}, status };
}

test('a permit to join is used up by joining: what changes underneath later asks anew', () => {
  assert.equal(rolloutPermit(driven('goal')).isGiven, true);
  const joined = { goalHash: 'goal', contentHash: 'one' };
  const { isGiven, isSpent, key } = rolloutPermit(driven('goal', joined));
  assert.deepEqual([isGiven, isSpent, key], [false, true, 'goal+one']);
});

test('a permit for what the goal names is for that alone, and not spent by a failure', () => {
  const reached = { goalHash: 'goal', contentHash: 'two' };
  assert.equal(rolloutPermit(driven('goal+two', reached)).isGiven, true);
  assert.equal(rolloutPermit(driven('goal+two', reached)).isSpent, false);
  assert.equal(rolloutPermit(driven('goal+one', reached)).isGiven, false);
});

test('another goal takes no hash: nobody knows yet what it will hold', () => {
  const before = { goalHash: 'goal before', contentHash: 'one' };
  assert.equal(rolloutPermit(driven('goal', before)).isGiven, true);
});

test('machines with a root of ours are permitted by generation, and for a run by what it resolved', () => {
  const spec = { version: '1.30.0', rootfs: { image: 'a' } };
  const labels = { [DISTRIBUTION_LABEL]: 'windlass' };
  const machine = (given: string, status: PermitHolder['status']): PermitHolder => ({
    metadata: { generation: 3, labels, annotations: { [PERMIT_ANNOTATION]: given } },
    spec,
    status,
  });
  assert.equal(rolloutPermit(machine('3', { specHash: 'of before' })).isGiven, true);
  assert.equal(rolloutPermit(machine('2', { specHash: 'of before' })).isGiven, false);
  const run = { contentHash: 'new' };
  const there = { specHash: specHash(spec), contentHash: 'old', run };
  assert.equal(rolloutPermit(machine('3', there)).isSpent, true);
  assert.equal(rolloutPermit(machine('3', there)).isGiven, false);
  assert.equal(rolloutPermit(machine('3+new', there)).isGiven, true);
});
