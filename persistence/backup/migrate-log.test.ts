// A migration that does not come to its end: the source is as it was, and the target says what it is until another one has filled it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { encodeBatch } from '../encoding.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { openPersistence } from '../open.ts';
import type { LogRecord } from '../provider.ts';
import { migrateLog } from './migrate-log.ts';
import { OfflineInstance } from './offline-instance.ts';

const folder = mkdtempSync(join(tmpdir(), 'windlass-migrate-'));
after(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;
const machineId = parseMachineId('ab'.repeat(16)) as MachineId;

/** What a server with a data directory of its own sees there, after it has written `more`. */
async function served(urls: readonly string[], more: number): Promise<readonly LogRecord[]> {
  await using log = await openPersistence({ urls, machineId, clock: systemClock });
  const { epoch, revision } = await log.open(never);
  const records = Array.from({ length: more }, (_unused, index) => ({
    revision: revision + 1 + index,
    kind: 'core/configmaps',
    key: `default/c${revision + 1 + index}`,
    value: Buffer.from('{}'),
  }));
  if (more > 0) await log.append(encodeBatch({ epoch, records }));
  const all: LogRecord[] = [];
  for await (const page of log.replay(never)) all.push(...page);
  return all;
}

function digestOf(path: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  for (const { parentPath, name } of entries.filter((entry) => entry.isFile()))
    hash.update(name).update(readFileSync(join(parentPath, name)));
  return hash.digest('hex');
}

async function migrate(from: string, to: string, signal: AbortSignal): Promise<unknown> {
  await using target = await OfflineInstance.open(to, systemClock);
  await using source = await OfflineInstance.openExisting(from, systemClock);
  return await migrateLog({ source, target, host: 'h', now: 0, signal });
}

for (const [from, to] of [
  ['nfs', 'sqlite'],
  ['sqlite', 'nfs'],
] as const) {
  test(`cut short from ${from} to ${to}: the source is as it was, the target refused until it is filled`, async () => {
    const place = join(folder, `${from}-${to}`);
    const source = `${from}:${join(place, 'source', 'state')}`;
    const target = `${to}:${join(place, 'target', 'state')}`;
    const held = await served([source], 50);
    const before = from === 'nfs' ? digestOf(join(place, 'source')) : '';
    const cancelled = AbortSignal.abort(new Error('Ctrl-C'));
    await assert.rejects(migrate(source, target, cancelled), /Ctrl-C/);
    const message = new RegExp(
      `it was to be filled by windlass migrate from ${source}, which has not come to its end; run that again`,
    );
    const unfinished = { name: 'ForeignDataError', message };
    await assert.rejects(served([target], 0), unfinished);
    // Nor is it anything to copy from, or to begin anew beside the source.
    await assert.rejects(migrate(target, `nfs:${join(place, 'third')}`, never), unfinished);
    await assert.rejects(served([source, target], 0), unfinished);
    if (from === 'nfs') assert.equal(digestOf(join(place, 'source')), before);
    await migrate(source, target, never);
    assert.deepEqual(await served([target], 0), held);
    await assert.rejects(migrate(source, target, never), { name: 'NotEmptyError' });
    assert.deepEqual(await served([source], 0), held);
  });
}

test('nothing is taken out of an empty place', async () => {
  const [empty, to] = [`nfs:${join(folder, 'empty')}`, `sqlite:${join(folder, 'from-empty.db')}`];
  // Opened, and ended before anything was written.
  await (await OfflineInstance.open(empty, systemClock))[Symbol.asyncDispose]();
  await assert.rejects(migrate(empty, to, never), {
    name: 'ForeignDataError',
    message: /nothing is in it/,
  });
  // What was to be filled is as it was.
  assert.equal((await served([to], 1)).length, 1);
});
