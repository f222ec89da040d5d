import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  atEpoch,
  decodeBatch,
  encodeBatch,
  encodedSize,
  joinBatches,
  revisionsOf,
} from './encoding.ts';
import type { Batch } from './encoding.ts';
import { CorruptDataError } from './errors.ts';

const change = fc.record({
  gap: fc.integer({ min: 1, max: 2 ** 40 }),
  kind: fc.string({ unit: 'binary', maxLength: 40 }),
  key: fc.string({ unit: 'binary', maxLength: 80 }),
  value: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
});

const batch = fc
  .record({
    epoch: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    changes: fc.array(change, { minLength: 1, maxLength: 12 }),
  })
  .map(({ epoch, changes }): Batch => {
    let revision = 0;
    const records = changes.map(({ gap, kind, key, value }) => {
      revision += gap;
      return value === undefined ? { revision, kind, key } : { revision, kind, key, value };
    });
    return { epoch, records };
  });

function plain({ epoch, records }: Batch): unknown {
  return {
    epoch,
    records: records.map(({ value, ...rest }) => ({ ...rest, value: value && [...value] })),
  };
}

test('decodeBatch() gives back what encodeBatch() was given', () => {
  fc.assert(
    fc.property(batch, (original) => {
      assert.deepEqual(plain(decodeBatch(encodeBatch(original))), plain(original));
    }),
  );
});

test('encodedSize() is exact', () => {
  fc.assert(
    fc.property(batch, (original) => {
      const sum = original.records.reduce((total, record) => total + encodedSize(record), 48);
      assert.equal(encodeBatch(original).byteLength, sum);
    }),
  );
});

test('encodeBatch() writes every byte, so that nothing of the memory it got is in it', () => {
  const records = [
    { revision: 7, kind: 'core/pods', key: 'default/käse', value: Buffer.from('{}') },
    { revision: 8, kind: 'core/pods', key: 'default/web-1' },
  ];
  const bytes = Buffer.from(encodeBatch({ epoch: 3, records }));
  const second = 48 + 20 + 'core/pods'.length + Buffer.byteLength('default/käse');
  for (const at of [48, second]) assert.equal(bytes[at + 9], 0, `byte ${at + 9}`);
  assert.equal(bytes.toString('latin1', bytes.length - 2), '{}');
});

test('joinBatches() gives what one batch of all of them would be', () => {
  fc.assert(
    fc.property(batch, fc.array(fc.nat({ max: 12 }), { maxLength: 4 }), (original, cuts) => {
      const { epoch, records } = original;
      const ends = [...cuts.map((cut) => cut % records.length), records.length];
      let start = 0;
      const parts = ends
        .toSorted((a, b) => a - b)
        .flatMap((end) => {
          const part = records.slice(start, end);
          start = end;
          return part.length === 0 ? [] : [encodeBatch({ epoch: 7, records: part })];
        });
      const joined = joinBatches(parts, epoch);
      assert.deepEqual(Buffer.from(joined), Buffer.from(encodeBatch(original)));
      assert.deepEqual(revisionsOf(joined), {
        first: records[0]?.revision,
        last: records.at(-1)?.revision,
      });
    }),
  );
});

test('joinBatches() uses a buffer again that is large enough, and nothing of what was in it', () => {
  const one = (revision: number, value: string) => ({
    epoch: 1,
    records: [{ revision, kind: 'k', key: 'x', value: Buffer.from(value) }],
  });
  const parts = [encodeBatch(one(1, 'first')), encodeBatch(one(2, 'second'))];
  const spare = new ArrayBuffer(4_096);
  new Uint8Array(spare).fill(0xff);
  const joined = joinBatches(parts, 5, spare);
  assert.equal(joined, spare);
  const records = [...one(1, 'first').records, ...one(2, 'second').records];
  assert.deepEqual(plain(decodeBatch(joined)), plain({ epoch: 5, records }));
  const again = joinBatches([joined], 6);
  assert.deepEqual(Buffer.from(again), Buffer.from(encodeBatch({ epoch: 6, records })));
  const small = new ArrayBuffer(again.byteLength - 1);
  assert.notEqual(joinBatches(parts, 5, small), small);
});

test('atEpoch() changes the epoch and nothing else, and refuses what is damaged', () => {
  fc.assert(
    fc.property(batch, fc.nat(), (original, epoch) => {
      const moved = atEpoch(encodeBatch(original), epoch);
      assert.deepEqual(Buffer.from(moved), Buffer.from(encodeBatch({ ...original, epoch })));
    }),
  );
  const damaged = encodeBatch({ epoch: 1, records: [{ revision: 1, kind: 'k', key: 'x' }] });
  new Uint8Array(damaged)[50] = 0xff;
  assert.throws(() => atEpoch(damaged, 2), CorruptDataError);
});

test('decodeBatch() detects every single flipped bit, but for those of values', () => {
  const records = [
    { revision: 7, kind: 'core/pods', key: 'default/web-1', value: Buffer.from('{"a":1}') },
    { revision: 2 ** 45, kind: 'core/pods', key: 'default/web-2' },
  ];
  const good = Buffer.from(encodeBatch({ epoch: 3, records }));
  const values = good.length - '{"a":1}'.length;
  for (let bit = 0; bit < values * 8; bit += 1) {
    const bad = new Uint8Array(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => decodeBatch(bad.buffer), CorruptDataError, `bit ${bit}`);
  }
});

test('decodeBatch() detects a batch cut short, and does not look at what lies behind it', () => {
  const good = new Uint8Array(
    encodeBatch({ epoch: 1, records: [{ revision: 1, kind: 'k', key: 'x' }] }),
  );
  for (let length = 0; length < good.length; length += 1) {
    assert.throws(() => decodeBatch(good.slice(0, length).buffer), CorruptDataError);
  }
  assert.deepEqual(decodeBatch(new Uint8Array([...good, 7]).buffer), decodeBatch(good.buffer));
});

test('decodeBatch() never fails in any other way on random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => decodeBatch(new Uint8Array(bytes).buffer), CorruptDataError);
    }),
  );
});

test('encodeBatch() refuses what would not decode', () => {
  const record = { revision: 2, kind: 'k', key: 'x' };
  assert.throws(() => encodeBatch({ epoch: 1, records: [] }), RangeError);
  assert.throws(() => encodeBatch({ epoch: 1, records: [record, record] }), RangeError);
  const long = { ...record, kind: 'k'.repeat(70_000) };
  assert.throws(() => encodeBatch({ epoch: 1, records: [long] }), RangeError);
});
