// What was cut off, flipped, swapped or deleted behind our back: left out where nobody can have relied on it, refused everywhere else,
// never served.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CorruptDataError } from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { segmentName } from './blob-names.ts';
import { FaultyWorld, randomFrom } from './faulty-store-fixture.ts';
import { SegmentEngine } from './segment-engine.ts';

let engines = 0;

function engineOn(world: FaultyWorld): SegmentEngine {
  engines += 1;
  return new SegmentEngine({ store: world.open(), writer: `w${engines}` });
}

function record(revision: number): LogRecord {
  const value = Buffer.from(revision % 3 === 0 ? [revision, 10, 255] : `{"n":${revision}}`);
  return { revision, kind: 'core/things', key: `default/t${revision % 7}`, value };
}

async function replayed(engine: SegmentEngine): Promise<string[]> {
  const found: string[] = [];
  let after = -1;
  for (;;) {
    const page = await engine.read(after, false);
    if (page.length === 0) return found;
    found.push(
      ...page.map((each) => `${each.revision} ${Buffer.from(each.value ?? []).toString('hex')}`),
    );
    after = page.at(-1)?.revision ?? after;
  }
}

/** Four segments after a fence; the last has revisions 7 and 8. */
async function filled(): Promise<FaultyWorld> {
  const world = new FaultyWorld(7);
  const engine = engineOn(world);
  await engine.open();
  const { epoch } = await engine.claim('m', 0);
  for (let revision = 1; revision < 8; revision += 2) {
    await engine.append([{ epoch, records: [record(revision), record(revision + 1)] }]);
  }
  return world;
}

const LAST = 5;

async function withBlob(
  world: FaultyWorld,
  name: string,
  body: Uint8Array | undefined,
  check: () => Promise<void>,
): Promise<void> {
  const good = new Map(world.blobs);
  if (body === undefined) world.blobs.delete(name);
  else world.blobs.set(name, body);
  await check();
  world.blobs.clear();
  for (const [each, bytes] of good) world.blobs.set(each, bytes);
}

function flipped(body: Uint8Array, offset: number, bit: number): Uint8Array {
  const copy = Uint8Array.from(body);
  copy[offset] = (copy[offset] ?? 0) ^ (1 << bit);
  return copy;
}

async function assertRefused(world: FaultyWorld, name: string, what: string): Promise<void> {
  await assert.rejects(
    async () => engineOn(world).open(),
    (error: Error) => {
      assert.ok(error instanceof CorruptDataError, `${what}: ${error.stack}`);
      assert.ok(error.message.includes(name), `${what}: ${error.message}`);
      return true;
    },
    what,
  );
}

test('a last segment that is cut off at any byte is left out, and the log goes on after it', async () => {
  const world = await filled();
  const name = segmentName(LAST);
  const body = world.blobs.get(name) ?? assert.fail();
  const whole = engineOn(world);
  await whole.open();
  const before = (await replayed(whole)).slice(0, 6);
  for (let length = 0; length < body.length; length += 1) {
    await withBlob(world, name, body.subarray(0, length), async () => {
      const engine = engineOn(world);
      assert.equal((await engine.open()).revision, 6, `cut at ${length}`);
      assert.deepEqual(await replayed(engine), before);
      const { epoch, revision } = await engine.claim('m', 0);
      await engine.append([{ epoch, records: [record(revision + 1)] }]);
      // The torn one is in the middle now, and explained.
      const again = engineOn(world);
      assert.equal((await again.open()).revision, 7);
      assert.equal((await replayed(again)).length, 7);
    });
  }
});

test('any flipped bit of the last segment is found', async () => {
  const world = await filled();
  const name = segmentName(LAST);
  const body = world.blobs.get(name) ?? assert.fail();
  for (let offset = 0; offset < body.length; offset += 1) {
    await withBlob(world, name, flipped(body, offset, offset % 8), () =>
      assertRefused(world, name, `byte ${offset}`),
    );
  }
});

test('damage before the end is refused with the name of what is damaged', async () => {
  const world = await filled();
  const random = randomFrom(11);
  for (let round = 0; round < 60; round += 1) {
    const segment = 1 + Math.floor(random() * (LAST - 1));
    const name = segmentName(segment);
    const body = world.blobs.get(name) ?? assert.fail();
    const offset = Math.floor(random() * body.length);
    await withBlob(world, name, flipped(body, offset, round % 8), () =>
      assertRefused(world, name, `segment ${segment}, byte ${offset}`),
    );
    await withBlob(world, name, body.subarray(0, offset), () =>
      assertRefused(world, name, `segment ${segment} cut at ${offset}`),
    );
  }
});

test("a segment that is missing, or another log's, is refused", async () => {
  const world = await filled();
  const other = await filled();
  for (let segment = 1; segment < LAST; segment += 1) {
    const name = segmentName(segment);
    await withBlob(world, name, undefined, () => assertRefused(world, name, 'missing'));
    await withBlob(world, name, other.blobs.get(name), async () => {
      await assert.rejects(async () => engineOn(world).open(), CorruptDataError);
    });
  }
  const swapped = world.blobs.get(segmentName(3));
  await withBlob(world, segmentName(2), swapped, () =>
    assertRefused(world, segmentName(2), 'swapped'),
  );
});

test('a damaged snapshot is done without while the older one will do', async () => {
  const world = await filled();
  const engine = engineOn(world);
  await engine.open();
  const { epoch } = await engine.claim('m', 0);
  while (!(await engine.compact(4)));
  await engine.append([{ epoch, records: [record(9)] }]);
  while (!(await engine.compact(8)));
  await engine.append([{ epoch, records: [record(10)] }]);
  const objects = async (each: SegmentEngine): Promise<string[]> =>
    (await each.getAll('core/things')).map(({ key, revision }) => `${key}@${revision}`);
  const expected = await objects(engine);

  const newer = [...world.blobs.keys()].filter(
    (name) => name.startsWith('snapshots/') && name.includes('0008-'),
  );
  assert.ok(newer.length >= 2);
  for (const name of newer) {
    const body = world.blobs.get(name) ?? assert.fail();
    for (const bad of [flipped(body, body.length >> 1, 3), body.subarray(0, 10), undefined]) {
      await withBlob(world, name, bad, async () => {
        const found = engineOn(world);
        const cursor = await found.open();
        assert.deepEqual([cursor.revision, cursor.compacted], [10, 4], name);
        assert.deepEqual(await objects(found), expected);
        await found.claim('m', 0);
        while (!(await found.compact(9)));
        const again = engineOn(world);
        assert.equal((await again.open()).compacted, 9);
        assert.deepEqual(await objects(again), expected);
      });
    }
  }
  const [part = ''] = [...world.blobs.keys()].filter(
    (name) => name.startsWith('snapshots/') && name.includes('base'),
  );
  for (const name of [...world.blobs.keys()].filter((each) => each.startsWith('snapshots/'))) {
    if (name.endsWith('.jsonl')) world.blobs.set(name, Buffer.from('{}\n'));
  }
  assert.notEqual(part, '');
  await assert.rejects(async () => engineOn(world).open(), {
    name: 'CorruptDataError',
    message: /snapshots\/.*checksum is wrong; restore it from a backup/,
  });
});

test('a format that is newer than this program is refused, and nothing is changed', async () => {
  const world = await filled();
  const format = (minReader: number, minWriter: number): Buffer =>
    Buffer.from(`${JSON.stringify({ program: 'windlass', format: 9, minReader, minWriter })}\n`);
  await withBlob(world, 'format.json', format(9, 9), async () => {
    await assert.rejects(async () => engineOn(world).open(), /Cannot read memory: it has format 9/);
  });
  await withBlob(world, 'format.json', format(1, 9), async () => {
    const engine = engineOn(world);
    const { epoch } = await engine.open();
    assert.equal((await replayed(engine)).length, 8);
    const batches = [{ epoch, records: [record(9)] }];
    await assert.rejects(async () => engine.claim('m', 0), /Cannot write memory: it has format 9/);
    await assert.rejects(async () => engine.append(batches), /Cannot write memory/);
  });
  await withBlob(world, 'format.json', Buffer.from('no'), async () => {
    await assert.rejects(async () => engineOn(world).open(), CorruptDataError);
  });
});
