// Restoring into real SQLite files.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { CLAIM_KIND } from './restore-claim.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { openPersistence } from '../open.ts';
import type { LogRecord } from '../provider.ts';
import { allOf, comparable, dumpOf, someRecords } from './backup-fixture.ts';
import { OfflineInstance } from './offline-instance.ts';
import { copyLog, restoreLog } from './restore-log.ts';
import { LiveObjects } from './summary.ts';
import { verifyPlace } from './verify-place.ts';

const folder = mkdtempSync(join(tmpdir(), 'windlass-restore-'));
after(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();

async function restoreInto(url: string, records: readonly LogRecord[], upTo = Infinity) {
  await using target = await OfflineInstance.open(url, systemClock);
  const live = new LiveObjects();
  live.add(records.filter(({ revision }) => revision <= upTo));
  const { epoch, revision, compacted, records: pages } = dumpOf(records);
  return await restoreLog({
    target: target.instance,
    source: { cursor: { epoch, revision, compacted }, live, records: pages },
    host: 'h',
    now: 0,
    signal,
  });
}

async function contentOf(url: string): Promise<readonly LogRecord[]> {
  await using opened = await OfflineInstance.openExisting(url, systemClock);
  return await allOf((await opened.dump(signal)).records);
}

/** As a server with a data directory of its own. */
async function startOn(...urls: readonly string[]): Promise<void> {
  const machineId = parseMachineId('ab'.repeat(16)) as MachineId;
  await using log = await openPersistence({ urls, machineId, clock: systemClock });
  await log.open(signal);
}

test('a restored log holds the live objects and begins far above all that was given out', async () => {
  const url = `sqlite:${join(folder, 'a.db')}`;
  const records = someRecords(2_000);
  const live = new LiveObjects();
  live.add(records);
  const cursor = await restoreInto(url, records);
  assert.equal(cursor.revision, 2 ** 32);
  assert.equal(cursor.compacted, cursor.revision, 'whoever watched before must list again');
  assert.ok(cursor.epoch >= 2 ** 20);
  const content = await contentOf(url);
  assert.deepEqual(
    comparable(content.slice(0, -1)),
    comparable(records.filter((record) => live.has(record))),
  );
  const claim = content.at(-1);
  assert.equal(claim?.kind, CLAIM_KIND);
  const { previous, revision, epoch } = JSON.parse(String(claim.value)) as Record<string, number>;
  assert.deepEqual(
    { previous, revision, epoch },
    { previous: 2_000, revision: 2 ** 32, epoch: cursor.epoch },
  );
  await verifyPlace(url, systemClock, signal);
});

test('a restored log that is backed up and restored again goes up once more', async () => {
  const first = `sqlite:${join(folder, 'b.db')}`;
  const one = await restoreInto(first, someRecords(10));
  const second = `sqlite:${join(folder, 'c.db')}`;
  await using source = await OfflineInstance.openExisting(first, systemClock);
  const dump = await source.dump(signal);
  const records = await allOf(dump.records);
  await using target = await OfflineInstance.open(second, systemClock);
  const live = new LiveObjects();
  live.add(records);
  const two = await restoreLog({
    target: target.instance,
    source: { cursor: dump, live, records: (await source.dump(signal)).records },
    host: 'h',
    now: 0,
    signal,
  });
  assert.equal(two.revision, 2 * 2 ** 32);
  assert.ok(two.epoch > one.epoch);
});

test('the state at an earlier revision can be restored', async () => {
  const url = `sqlite:${join(folder, 'early.db')}`;
  const records = someRecords(500);
  await restoreInto(url, records, 123);
  const live = new LiveObjects();
  live.add(records.slice(0, 123));
  const content = await contentOf(url);
  assert.deepEqual(
    comparable(content.slice(0, -1)),
    comparable(records.slice(0, 123).filter((record) => live.has(record))),
  );
});

test('a place that holds something is refused and stays as it is', async () => {
  const url = `sqlite:${join(folder, 'full.db')}`;
  await restoreInto(url, someRecords(10));
  const before = comparable(await contentOf(url));
  await assert.rejects(restoreInto(url, someRecords(20)), { name: 'NotEmptyError' });
  await using target = await OfflineInstance.open(url, systemClock);
  await assert.rejects(copyLog(target.instance, dumpOf(someRecords(20))), {
    name: 'NotEmptyError',
  });
  await target[Symbol.asyncDispose]();
  assert.deepEqual(comparable(await contentOf(url)), before);
});

test('a source that fails leaves a place that says so, and the next restore fills it', async () => {
  const url = `sqlite:${join(folder, 'failing.db')}`;
  const records = someRecords(1_000);
  const live = new LiveObjects();
  live.add(records);
  const failing = async function* () {
    yield await Promise.resolve(records.slice(0, 500));
    throw new Error('the source is gone');
  };
  {
    await using target = await OfflineInstance.open(url, systemClock);
    const source = {
      cursor: { epoch: 1, revision: 1_000, compacted: 0 },
      live,
      records: failing(),
    };
    await assert.rejects(
      restoreLog({ target: target.instance, source, host: 'h', now: 0, signal }),
      /the source is gone/,
    );
  }
  const unfinished = {
    name: 'ForeignDataError',
    message: /failing\.db: it was to be filled by windlass restore, which has not come to its end/,
  };
  await assert.rejects(contentOf(url), unfinished);
  await assert.rejects(startOn(url), unfinished);
  assert.equal((await restoreInto(url, records)).revision, 2 ** 32);
  await startOn(url);
});

test('copyLog() keeps the history and its revisions', async () => {
  const url = `sqlite:${join(folder, 'copy.db')}`;
  const records = someRecords(700);
  {
    await using target = await OfflineInstance.open(url, systemClock);
    const cursor = await copyLog(target.instance, dumpOf(records));
    assert.deepEqual({ ...cursor, epoch: 0 }, { epoch: 0, revision: 700, compacted: 0 });
  }
  assert.deepEqual(comparable(await contentOf(url)), comparable(records));
});

test('a place that is not there is not made by reading it', async () => {
  const path = join(folder, 'absent.db');
  await assert.rejects(
    OfflineInstance.openExisting(`sqlite:${path}`, systemClock),
    /no such place/,
  );
  await assert.rejects(verifyPlace(`sqlite:${path}`, systemClock, signal), /no such place/);
});
