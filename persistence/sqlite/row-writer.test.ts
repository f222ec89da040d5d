import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { LogRecord } from '../provider.ts';
import { rowSum } from './row-sum.ts';
import { RowWriter } from './row-writer.ts';
import { createTables } from './tables.ts';

const change = fc.record({
  gap: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom('pods', 'nodes'),
  key: fc.constantFrom('a', 'b', 'ä', ...Array.from({ length: 30 }, (_, index) => `o${index}`)),
  value: fc.option(fc.uint8Array({ minLength: 1, maxLength: 5 }), { nil: undefined, freq: 3 }),
});

test('however many rows a statement writes, each finds what it supersedes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 60 }), { maxLength: 5 }), (batches) => {
      const database = new Database(':memory:');
      createTables(database);
      const writer = new RowWriter(database);
      const live = new Map<string, number>();
      const expected: unknown[] = [];
      let revision = 0;
      for (const batch of batches) {
        const records = batch.map(({ gap, kind, key, value }) => {
          revision += gap;
          const named = { revision, kind, key };
          const record: LogRecord = value === undefined ? named : { ...named, value };
          const id = `${kind} ${key}`;
          const previous = live.get(id) ?? null;
          const stored = value === undefined ? null : Buffer.from(value);
          expected.push([revision, kind, key, previous, stored, rowSum(record)]);
          if (value === undefined) live.delete(id);
          else live.set(id, revision);
          return record;
        });
        writer.write(records);
      }
      const rows = database.prepare('SELECT * FROM log ORDER BY revision').raw().all();
      assert.deepEqual(rows, expected);
      const found = database.prepare("SELECT kind || ' ' || key, revision FROM live").raw().all();
      assert.deepEqual(new Map(found as [string, number][]), live);
      database.close();
    }),
  );
});
