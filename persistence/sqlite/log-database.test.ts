// Where the log stands is remembered from one append to the next; whatever else changes it must be noticed all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import type { LogRecord } from '../provider.ts';
import { LogDatabase } from './log-database.ts';
import { createTables } from './tables.ts';

function record(revision: number): LogRecord {
  return { revision, kind: 'core/pods', key: `default/p${revision}`, value: Buffer.from('{}') };
}

function opened(at?: (name: string) => void) {
  const database = new Database(':memory:');
  createTables(database);
  return { database, log: new LogDatabase(database, 'state.db', at) };
}

test('an epoch that somebody else has claimed since the last append bars the next', () => {
  const { database, log } = opened();
  const { epoch } = log.claim('a', 0);
  const other = new LogDatabase(database, 'state.db');
  assert.deepEqual(log.append([{ epoch, records: [record(1)] }]), [undefined]);
  const { epoch: later } = other.claim('b', 0);
  const refused = log.append([{ epoch, records: [record(2)] }]);
  assert.deepEqual(refused, [{ type: 'epoch-lost', held: epoch, found: later }]);
  assert.deepEqual(other.cursor(), { epoch: later, revision: 1, compacted: 0 });
  log.checkPlace();
});

test('a revision that somebody else has written since is not written twice', () => {
  const { database, log } = opened();
  const { epoch } = log.claim('a', 0);
  log.append([{ epoch, records: [record(1)] }]);
  new LogDatabase(database, 'state.db').write(record(0));
  const [refused] = log.append([{ epoch, records: [record(2)] }]);
  assert.equal(refused?.type, 'corrupt');
  assert.deepEqual(log.append([{ epoch, records: [record(3)] }]), [undefined]);
  assert.equal(log.cursor().revision, 3);
  log.checkPlace();
});

test('an append that was rolled back leaves nothing behind that the next one believes', () => {
  let fails = false;
  const { log } = opened((name) => {
    if (fails && name === 'before-commit') throw new Error('the disk is full');
  });
  const { epoch } = log.claim('a', 0);
  log.append([{ epoch, records: [record(1)] }]);
  fails = true;
  assert.throws(() => log.append([{ epoch, records: [record(5)] }]), /full/);
  fails = false;
  assert.deepEqual(log.cursor(), { epoch, revision: 1, compacted: 0 });
  assert.deepEqual(log.append([{ epoch, records: [record(2)] }]), [undefined]);
  assert.deepEqual(log.cursor(), { epoch, revision: 2, compacted: 0 });
  log.checkPlace();
});
