import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '#platform/logging.ts';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import type { ImageKeeper } from '../runtimes/image-keeper.ts';
import { turns } from './agent-fixture.ts';
import { COLLECTION_DEFAULTS, imagesToRemove } from './image-collection.ts';
import type { CollectionInput } from './image-collection.ts';
import { collectImages } from './image-collector.ts';
import { OwnImages } from './own-images.ts';

const MINUTE = 60_000;

function input(change: Partial<CollectionInput>): CollectionInput {
  const own = ['a', 'b', 'c'].map((id, at) => ({ id, names: [id], since: 0, usedAt: at * MINUTE }));
  return {
    own,
    sizes: new Map([
      ['a', 100],
      ['b', 100],
      ['c', 100],
      ['foreign', 5_000],
    ]),
    inUse: new Set(),
    disk: { totalBytes: 1_000, freeBytes: 100 },
    settings: COLLECTION_DEFAULTS,
    now: 60 * MINUTE,
    ...change,
  };
}

for (const { title, change, removed } of [
  { title: 'the longest unused until the disk is at the low mark', change: {}, removed: 'a space' },
  {
    title: 'as many as that takes',
    change: { disk: { totalBytes: 1_000, freeBytes: 50 } },
    removed: 'a space, b space',
  },
  {
    title: 'nothing below the high mark',
    change: { disk: { totalBytes: 1_000, freeBytes: 151 } },
    removed: '',
  },
  { title: 'nothing where the disk is not known', change: { disk: undefined }, removed: '' },
  {
    title: 'nothing of a disk without a size',
    change: { disk: { totalBytes: 0, freeBytes: 0 } },
    removed: '',
  },
  { title: 'nothing that a container uses', change: { inUse: new Set(['a']) }, removed: 'b space' },
  { title: 'nothing that has just been used', change: { now: 2 * MINUTE }, removed: 'a space' },
  { title: 'nothing that has just come', change: { now: MINUTE }, removed: '' },
  {
    title: 'nothing that is not there',
    change: { sizes: new Map([['c', 100]]) },
    removed: 'c space',
  },
  {
    title: 'what is old, whatever the disk',
    change: {
      disk: undefined,
      settings: { ...COLLECTION_DEFAULTS, maximumAgeMs: 58 * MINUTE + 1 },
    },
    removed: 'a age, b age',
  },
]) {
  test(`imagesToRemove() takes ${title}`, () => {
    const found = imagesToRemove(input(change)).map(({ image, reason }) => `${image.id} ${reason}`);
    assert.equal(found.join(', '), removed);
  });
}

test('imagesToRemove() never takes what somebody else brought', () => {
  const disk = { totalBytes: 1_000, freeBytes: 0 };
  assert.deepEqual(imagesToRemove(input({ own: [], disk })), []);
});

test('collectImages() looks every five minutes, and remembers over restarts what is its own', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-images-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'images.json');
  const clock = new FakeClock();
  const before = await OwnImages.open(path, silentLogger);
  await before.add('a', 'app:1', clock.now());
  await before.add('b', 'app:2', clock.now());
  await before.add('gone', 'app:0', clock.now());
  const own = await OwnImages.open(path, silentLogger);
  const sizes = new Map([
    ['a', 100],
    ['b', 100],
  ]);
  const removed: string[] = [];
  const keeper: ImageKeeper = {
    sizes: () => Promise.resolve(sizes),
    inUse: () => Promise.resolve(new Set(['b'])),
    disk: () => Promise.resolve({ totalBytes: 1_000, freeBytes: 10 }),
    remove: (names) => {
      removed.push(...names);
      sizes.delete('a');
      return Promise.resolve(true);
    },
  };
  const reasons: string[] = [];
  const stop = new AbortController();
  const collected = { inc: (labels = {}) => void reasons.push(JSON.stringify(labels)) };
  const options = {
    keeper,
    own,
    settings: COLLECTION_DEFAULTS,
    clock,
    logger: silentLogger,
    collected,
  };
  const running = collectImages(options, stop.signal);
  while (clock.pending === 0) await turns();
  assert.deepEqual(removed, [], 'they have just come');
  assert.deepEqual(
    own.all().map(({ id }) => id),
    ['a', 'b'],
  );
  clock.advance(5 * MINUTE);
  while (clock.pending === 0) await turns();
  assert.deepEqual(removed, ['app:1']);
  assert.deepEqual(reasons, ['{"reason":"space"}']);
  stop.abort(new Error('end'));
  await running;
});

test('OwnImages of a file that is broken owns nothing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-images-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'images.json');
  for (const text of ['{', '{}', '[1, {"id": 2}]']) {
    await writeFile(path, text);
    const own = await OwnImages.open(path, silentLogger);
    assert.deepEqual(own.all(), []);
    await own.add('a', 'app:1', 7);
    await own.add('a', 'app:2', 8);
    const names = ['app:1', 'app:2'];
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), [
      { id: 'a', names, since: 7, usedAt: 8 },
    ]);
  }
});
