import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { parseMachineId } from './machine-id.ts';
import type { MachineId } from './machine-id.ts';
import { openPersistence } from './open.ts';

const machineId = parseMachineId('0'.repeat(32)) as MachineId;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'windlass-open-'));
});
after(() => rm(directory, { recursive: true }));

test('openPersistence() opens sqlite:PATH and creates folders and file for this user alone', async () => {
  const path = join(directory, 'a', 'b', 'state.db');
  await using log = await openPersistence({
    urls: [`sqlite:${path}`],
    machineId,
    clock: systemClock,
  });
  const [report, ...others] = log.instances();
  assert.match(report?.name ?? '', /^sqlite-[0-9a-f]{8}$/);
  assert.deepEqual([report?.role, report?.up, report?.state], ['Primary', true, 'Up']);
  assert.deepEqual(others, []);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(`${path}-wal`)).mode & 0o777, 0o600);
  assert.equal((await stat(join(directory, 'a'))).mode & 0o777, 0o700);
});

for (const [urls, message] of [
  [[], /--persistence.*at least one/],
  [[''], /must start with sqlite:/],
  [['state.db'], /must start with sqlite:/],
  [['postgres://x'], /Invalid --persistence postgres:\/\/x: it must start with/],
  [['constructor:x'], /must start with/],
  [['sqlite:'], /a path must follow/],
  [['sqlite:a\0b'], /a path must follow/],
  [['nfs:'], /a path must follow, as in nfs:/],
  [['s3://bucket/a b'], /Invalid --persistence s3:\/\/bucket\/a b: the prefix holds "a b"/],
  [['s3://id:key@bucket'], /Invalid --persistence s3:\/\/…@bucket: it holds user info/],
  [
    ['module:./x.mjs?token=hunter2'],
    /module:\.\/x\.mjs\?…: Cannot use .*x\.mjs: there is no such file$/,
  ],
  [['sqlite:a', 'sqlite:./a'], /Invalid --persistence sqlite:\.\/a: it is given twice/],
] as const) {
  test(`openPersistence() explains ${JSON.stringify(urls)}`, async () => {
    await assert.rejects(openPersistence({ urls, machineId, clock: systemClock }), message);
  });
}
