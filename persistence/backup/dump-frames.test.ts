import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOf, comparable, dumpOf, someRecords } from './backup-fixture.ts';
import { decodeDump, encodeDump } from './dump-frames.ts';

const all = (): boolean => true;

async function encoded(records: ReturnType<typeof someRecords>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const frame of encodeDump(dumpOf(records), 'sqlite:/x', all)) parts.push(frame);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size)
    yield await Promise.resolve(bytes.subarray(at, at + size));
}

test('a dump arrives as it was sent, in whatever pieces', async () => {
  const records = someRecords(1_000);
  const bytes = await encoded(records);
  for (const size of [1, 3, 4, 4_096, bytes.length]) {
    const dump = await decodeDump(inPieces(bytes, size));
    assert.deepEqual(
      {
        epoch: dump.epoch,
        revision: dump.revision,
        compacted: dump.compacted,
        source: dump.source,
      },
      { epoch: 3, revision: 1_000, compacted: 0, source: 'sqlite:/x' },
    );
    assert.deepEqual(comparable(await allOf(dump.records)), comparable(records));
  }
});

test('only what is wanted is sent; nothing at all is a dump too', async () => {
  const parts: Uint8Array[] = [];
  const wanted = encodeDump(dumpOf(someRecords(100)), 'x', ({ kind }) => kind === 'core/secrets');
  for await (const frame of wanted) parts.push(frame);
  const dump = await decodeDump(inPieces(Buffer.concat(parts), 100));
  const records = await allOf(dump.records);
  assert.ok(records.length > 0 && records.every(({ kind }) => kind === 'core/secrets'));
  const empty = await decodeDump(inPieces(await encoded([]), 5));
  assert.deepEqual(await allOf(empty.records), []);
});

test('a dump that is cut off or changed is never taken for a whole one', async () => {
  const bytes = await encoded(someRecords(300));
  const read = async (changed: Buffer): Promise<unknown> =>
    allOf((await decodeDump(inPieces(changed, 1_000))).records);
  for (let length = 0; length < bytes.length; length += 97)
    await assert.rejects(read(bytes.subarray(0, length)), `cut at ${length}`);
  for (let at = 0; at < bytes.length; at += 211) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ 0x40, at);
    await assert.rejects(read(changed), `changed at ${at}`);
  }
});
