import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Balancer, noteFailure, noteSuccess } from './balancer.ts';
import type { Load } from './balancer.ts';

const idle = (): Load => ({ active: 0, failures: 0, skippedUntil: 0 });

test('Balancer.choose() takes the one with the fewest, in turn among equals', () => {
  const [a, b, c] = [idle(), idle(), idle()];
  const balancer = new Balancer();
  const taken = Array.from({ length: 6 }, () => balancer.choose([a, b, c], 0));
  assert.deepEqual(
    taken.map((load) => [a, b, c].indexOf(load ?? idle())),
    [0, 1, 2, 0, 1, 2],
  );
  a.active = 2;
  b.active = 1;
  c.active = 3;
  assert.equal(balancer.choose([a, b, c], 0), b);
  assert.equal(balancer.choose([], 0), undefined);
});

test('Balancer.choose() leaves alone who failed, longer each time, unless there is no other', () => {
  const [a, b] = [idle(), idle()];
  const balancer = new Balancer();
  noteFailure(a, 1_000);
  assert.equal(a.skippedUntil, 1_500);
  for (let round = 0; round < 4; round += 1) assert.equal(balancer.choose([a, b], 1_400), b);
  const later = new Set([balancer.choose([a, b], 1_500), balancer.choose([a, b], 1_500)]);
  assert.deepEqual(later, new Set([a, b]));
  noteFailure(a, 2_000);
  assert.equal(a.skippedUntil, 3_000);
  noteFailure(b, 2_000);
  assert.ok(balancer.choose([a, b], 2_100) !== undefined);
  for (let round = 0; round < 20; round += 1) noteFailure(a, 0);
  assert.equal(a.skippedUntil, 30_000);
  noteSuccess(a);
  assert.deepEqual(a, idle());
});
