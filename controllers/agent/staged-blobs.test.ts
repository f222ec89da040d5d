import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { ImageError } from './image-error.ts';
import { StagedBlobs } from './staged-blobs.ts';

const WHOLE = Buffer.from('0123456789');
const DIGEST = `sha256:${createHash('sha256').update(WHOLE).digest('hex')}`;
const DAY_MS = 24 * 3600 * 1000;

function fails(code: number, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ImageError && error.code === code && message.test(error.message);
}

async function staged(reserveBytes = 0): Promise<{ blobs: StagedBlobs; folder: string }> {
  const folder = join(tempDir(), 'staged');
  const blobs = new StagedBlobs(folder, reserveBytes);
  await blobs.sweep(0);
  return { blobs, folder };
}

const piece = (offset: number, end: number) => ({
  digest: DIGEST,
  offset,
  size: WHOLE.length,
  bytes: WHOLE.subarray(offset, end),
});

test('pieces are put together, and each answer says where to go on', async () => {
  const { blobs, folder } = await staged();
  assert.equal(await blobs.received(DIGEST), 0);
  assert.equal(await blobs.append(piece(0, 4)), 4);
  assert.equal(await blobs.append(piece(0, 10)), 4);
  assert.equal(await blobs.append(piece(7, 10)), 4);
  // Another run of the agent goes on with it.
  const again = new StagedBlobs(folder, 0);
  assert.equal(await again.received(DIGEST), 4);
  assert.equal(await again.has(DIGEST), false);
  assert.equal(await again.append(piece(4, 10)), 10);
  assert.equal(await again.has(DIGEST), true);
  assert.equal(await again.append(piece(0, 1)), 10);
  await again.remove([DIGEST]);
  assert.deepEqual(await readdir(folder), []);
});

test('two senders of one blob do not mix their pieces', async () => {
  const { blobs } = await staged();
  const send = async (): Promise<void> => {
    for (let at = 0; at < 10;) at = await blobs.append(piece(at, Math.min(10, at + 3)));
  };
  await Promise.all([send(), send(), send()]);
  assert.equal(await blobs.has(DIGEST), true);
});

test('an agent that died between the last byte and the check checks now', async () => {
  const { blobs, folder } = await staged();
  await writeFile(join(folder, `${DIGEST.slice(7)}.part`), WHOLE);
  assert.equal(await blobs.received(DIGEST), 10);
  assert.equal(await blobs.append(piece(10, 10)), 10);
  assert.equal(await blobs.has(DIGEST), true);
});

test('bytes of another blob are thrown away', async () => {
  const { blobs, folder } = await staged();
  await assert.rejects(
    blobs.append({ ...piece(0, 10), bytes: Buffer.from('9876543210') }),
    fails(400, /came with other bytes/),
  );
  assert.deepEqual(await readdir(folder), []);
  await assert.rejects(blobs.append({ ...piece(0, 10), size: 5 }), fails(400, /not of 5 bytes/));
  await assert.rejects(blobs.append({ ...piece(0, 4), size: 2 ** 50 }), fails(400, /too large/));
  await writeFile(join(folder, `${DIGEST.slice(7)}.part`), 'longer than it is');
  assert.equal(await blobs.append(piece(4, 10)), 0);
  assert.equal(await blobs.append(piece(0, 10)), 10);
});

test('a full disk is said before anything is written', async () => {
  const { blobs, folder } = await staged(Number.MAX_SAFE_INTEGER);
  await assert.rejects(
    blobs.append(piece(0, 4)),
    fails(507, /the disk of .* is full: 10 bytes are needed and 0 are free; .*docker image prune/),
  );
  assert.deepEqual(await readdir(folder), []);
});

test('what nobody came back for is swept away after a day', async () => {
  const { blobs, folder } = await staged();
  for (const [name, age] of [
    ['old.part', 2 * DAY_MS],
    ['new.part', DAY_MS / 2],
  ] as const) {
    await writeFile(join(folder, name), 'x');
    await utimes(join(folder, name), (10 * DAY_MS - age) / 1000, (10 * DAY_MS - age) / 1000);
  }
  await blobs.sweep(10 * DAY_MS);
  assert.deepEqual(await readdir(folder), ['new.part']);
});
