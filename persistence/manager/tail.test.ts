import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBatch, encodeBatch } from '../encoding.ts';
import { Tail } from './tail.ts';
import type { TailEntry } from './tail.ts';

/** A batch with one record for each revision after `base`, up to `last`. */
function entry(base: number, last: number, bytes = 10): TailEntry {
  const records = Array.from({ length: last - base }, (_, index) => {
    const revision = base + 1 + index;
    return { revision, kind: 'k', key: 'x', value: Buffer.alloc(bytes) };
  });
  return { base, last, batch: encodeBatch({ epoch: 1, records }), at: base };
}

function revisions(found: readonly TailEntry[] | undefined): readonly number[] | undefined {
  return found?.flatMap(({ batch }) => decodeBatch(batch).records.map(({ revision }) => revision));
}

test('after() goes on from any revision that it reaches back to, also within a batch', () => {
  const tail = new Tail();
  tail.push(entry(5, 8));
  tail.push(entry(8, 9));
  tail.push(entry(9, 12));
  const found = [4, 5, 6, 8, 11, 12].map((revision) => revisions(tail.after(revision, 1 << 20)));
  assert.deepEqual(found, [
    undefined,
    [6, 7, 8, 9, 10, 11, 12],
    [7, 8, 9, 10, 11, 12],
    [9, 10, 11, 12],
    [12],
    undefined,
  ]);
  assert.deepEqual(
    [4, 5, 11, 12].map((revision) => tail.follows(revision)),
    [false, true, true, false],
  );
});

test('after() ends where a change is missing, and at the bytes that were asked for', () => {
  const tail = new Tail();
  tail.push(entry(0, 2));
  tail.push(entry(2, 4));
  tail.push(entry(6, 7));
  assert.deepEqual(revisions(tail.after(0, 1 << 20)), [1, 2, 3, 4]);
  assert.equal(tail.after(4, 1 << 20), undefined);
  assert.deepEqual(revisions(tail.after(0, 1)), [1, 2]);
});

test('the oldest go first, one stays, and pending() counts what is left', () => {
  const one = entry(0, 1, 100);
  const size = one.batch.byteLength;
  const tail = new Tail(size * 3);
  tail.push(one);
  for (let base = 1; base < 10; base += 1) tail.push(entry(base, base + 1, 100));
  assert.equal(tail.follows(6), false);
  assert.deepEqual(tail.pending(7), { bytes: 3 * size, since: 7 });
  tail.push(entry(10, 11, 1_000));
  assert.deepEqual(revisions(tail.after(10, 1)), [11]);
  tail.trim(11);
  assert.deepEqual(tail.pending(0), { bytes: 0, since: undefined });
});

test('after thousands of batches that come and go it still tells what follows', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3_000 }), { maxLength: 20 }), (trims) => {
      const tail = new Tail();
      let last = 0;
      let trimmed = 0;
      for (const count of trims) {
        for (let index = 0; index < count; index += 1) tail.push(small(last++));
        trimmed = Math.max(trimmed, last - (count >> 1));
        tail.trim(trimmed);
        const expected = trimmed < last ? trimmed + 1 : undefined;
        assert.equal(revisions(tail.after(trimmed, 1))?.[0], expected);
        assert.equal(tail.follows(trimmed - 1), false);
      }
    }),
    { numRuns: 20 },
  );
});

/** Encoded once, and copied: the tail gives back what it drops. */
const batches = new Map<number, ArrayBuffer>();
function small(base: number): TailEntry {
  const batch = batches.get(base) ?? entry(base, base + 1, 1).batch;
  batches.set(base, batch);
  return { base, last: base + 1, batch: batch.slice(0), at: 0 };
}
