import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SortedKeys } from './sorted-keys.ts';

function model(keys: ReadonlySet<string>): readonly string[] {
  return [...keys].toSorted();
}

/** A row of numbers that looks like chance and is the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 8;
  }
}

test('SortedKeys holds what a sorted array would, over many insertions and deletions', () => {
  const next = numbers(7);
  const draw = (below: number): number => next.next().value % below;
  const known = new Set(Array.from({ length: 3_000 }, (_, index) => `n\0start-${index}`));
  const keys = new SortedKeys(known);
  for (let step = 0; step < 12_000; step += 1) {
    const key = `n\0${draw(3)}-${draw(4_000)}`;
    // First it grows beyond one piece, at the end most of it is taken out again.
    if (known.has(key)) keys.delete(key);
    else if (step < 9_000) keys.add(key);
    else continue;
    if (!known.delete(key)) known.add(key);
  }
  for (const key of [...known].slice(0, -5)) {
    keys.delete(key);
    known.delete(key);
  }
  for (let index = 0; index < 5_000; index += 1) {
    const key = `m\0${String(index).padStart(5, '0')}`;
    keys.add(key);
    known.add(key);
  }
  const expected = model(known);
  assert.deepEqual(keys.all(), expected);
  assert.equal(keys.size, expected.length);
  for (const key of [
    '',
    'a',
    'm\0',
    'm\u000000512',
    'm\u000000512\0',
    'm\u0001',
    'n\0start-7',
    'z',
  ]) {
    const below = expected.filter((one) => one < key).length;
    assert.equal(keys.rank(key), below, JSON.stringify(key));
    for (const end of [below, below + 3, below + 700, below + 1_500, expected.length]) {
      const visited: string[] = [];
      keys.visit(below, end, (one) => visited.push(one) < 0);
      assert.deepEqual(visited, expected.slice(below, end), `${key} ${end}`);
    }
  }
});

test('visit() ends when it is told to', () => {
  const keys = new SortedKeys(['c', 'a', 'b']);
  const visited: string[] = [];
  keys.visit(0, 3, (key) => visited.push(key) === 2);
  assert.deepEqual(visited, ['a', 'b']);
});

test('SortedKeys may be empty, and empty again', () => {
  const keys = new SortedKeys([]);
  assert.deepEqual(keys.all(), []);
  assert.equal(keys.rank('x'), 0);
  keys.delete('x');
  keys.add('x');
  assert.deepEqual(keys.all(), ['x']);
  keys.delete('x');
  assert.equal(keys.size, 0);
  assert.equal(keys.rank('y'), 0);
  assert.deepEqual(keys.all(), []);
});
