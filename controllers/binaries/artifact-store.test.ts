// The store on a real disk: what is verified when, what is collected, and what a full or read-only disk does.
import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { sha256Hex } from '#test/support/artifact-server.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { ArtifactError, storageError } from './artifact-error.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { makeStore } from './binaries-fixture.ts';
import { lockFile } from './store-lock.ts';

const { signal } = new AbortController();

async function add(store: ArtifactStore, content: string): Promise<string> {
  const digest = sha256Hex(content);
  await store.obtain(
    digest,
    async (partial) => {
      await partial.begin();
      await partial.write(Buffer.from(content));
    },
    signal,
  );
  return digest;
}

test('files of the store are for its owner only, and are read back as they came', async () => {
  const store = makeStore(join(tempDir(), 'new'));
  const digest = await add(store, 'content');
  const { mode } = await stat(store.pathOf(digest));
  assert.equal(mode & 0o777, 0o600);
  assert.equal((await stat(join(store.folder, 'sha256'))).mode & 0o777, 0o700);
  const parts: Uint8Array[] = [];
  for await (const part of store.read(digest, signal)) parts.push(part);
  assert.equal(Buffer.concat(parts).toString(), 'content');
  const given = AbortSignal.abort(new Error('no time'));
  await assert.rejects(async () => {
    for await (const part of store.read(digest, given)) parts.push(part);
  }, /no time/);
  // Whoever does not read it after all hears nothing of it.
  store.read(digest, given);
  for (const bad of ['', '../../etc/passwd', 'sha256:x'])
    assert.throws(() => store.pathOf(bad), /is no SHA-256/);
});

test('a hit is hashed at its first use, by size and time after that, and hashed again on schedule', async () => {
  const clock = new FakeClock();
  const folder = tempDir();
  const digest = await add(makeStore(folder), 'content');
  const damaged: string[] = [];
  const onDamage = (one: string): void => void damaged.push(one);
  const store = makeStore(folder, { clock, verifyEveryMs: 1_000, onDamage });
  await utimes(store.pathOf(digest), 1_000, 1_000);
  assert.ok(await store.find(digest, signal));
  // Altered behind its back, and the time put back: only hashing can tell.
  await writeFile(store.pathOf(digest), 'CONTENT');
  await utimes(store.pathOf(digest), 1_000, 1_000);
  assert.ok(await store.find(digest, signal));
  clock.advance(1_000);
  assert.equal(await store.find(digest, signal), undefined);
  assert.deepEqual(damaged, [digest]);
});

test('what has the name of a digest and is no file is removed', async () => {
  const store = makeStore(tempDir());
  const digest = await add(store, 'content');
  await store.remove(digest);
  await mkdir(store.pathOf(digest));
  assert.equal(await store.find(digest, signal), undefined);
  await symlink('/etc/hostname', store.pathOf(digest));
  assert.equal(await store.find(digest, signal), undefined);
  assert.deepEqual(await readdir(join(store.folder, 'sha256')), []);
});

test('collection removes what nobody keeps and nobody used, and what killed processes left', async () => {
  const store = makeStore(tempDir(), { partialKeptMs: 0 });
  const kept = await add(store, 'kept');
  const unused = await add(store, 'unused');
  await writeFile(join(store.folder, 'partial', `${unused}.0000`), 'half');
  assert.deepEqual(await store.collect(new Set([kept]), 3_600_000), []);
  const removed = await store.collect(new Set([kept]), 0);
  assert.deepEqual(
    removed.map(({ digest }) => digest),
    [unused],
  );
  assert.deepEqual(
    (await store.list()).map(({ digest }) => digest),
    [kept],
  );
  assert.deepEqual(await readdir(join(store.folder, 'partial')), []);
});

test('a store that is no folder, or a disk that is full or read-only, is named with what to do', async () => {
  const folder = tempDir();
  await writeFile(join(folder, 'file'), '');
  const store = makeStore(join(folder, 'file'));
  await assert.rejects(add(store, 'content'), { name: 'ArtifactError', failure: 'StorageFailed' });
  const code = (name: string): Error => Object.assign(new Error(name), { code: name });
  for (const [name, failure, words] of [
    ['ENOSPC', 'StorageFull', /is full; free some space/],
    ['EDQUOT', 'StorageFull', /is full/],
    ['EROFS', 'StorageReadOnly', /cannot be written to/],
    ['EACCES', 'StorageReadOnly', /write permission/],
  ] as const) {
    const error = storageError(code(name), '/store');
    assert.ok(error instanceof ArtifactError);
    assert.equal(error.failure, failure);
    assert.match(error.message, words);
  }
  const other = new Error('other');
  assert.equal(storageError(other, '/store'), other);
});

test('a store that cannot be written to is still read from', async (t) => {
  const store = makeStore(tempDir());
  const digest = await add(store, 'content');
  await chmod(join(store.folder, 'sha256'), 0o500);
  t.after(() => chmod(join(store.folder, 'sha256'), 0o700));
  assert.equal(await readFile(store.pathOf(digest), 'utf8'), 'content');
  assert.ok(await makeStore(store.folder).find(digest, signal));
});

test('a lock is waited for, and taken over from a process that is gone', async () => {
  const path = join(tempDir(), 'lock');
  const options = { clock: systemClock, ids: systemIds };
  const first = await lockFile(path, options, signal);
  const order: string[] = [];
  const second = lockFile(path, options, signal).then((lock) => {
    order.push('second');
    return lock;
  });
  order.push('first ends');
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
  assert.deepEqual(order, ['first ends', 'second']);
  // Larger than any process id of Linux.
  await writeFile(path, JSON.stringify({ process: 2 ** 30, host: hostname(), token: 'x' }));
  await (await lockFile(path, options, signal))[Symbol.asyncDispose]();
  await writeFile(path, JSON.stringify({ process: 1, host: 'elsewhere', token: 'x' }));
  const impatient = AbortSignal.timeout(300);
  await assert.rejects(lockFile(path, options, impatient));
  // Nobody has touched it for long.
  await utimes(path, 1, 1);
  await (await lockFile(path, options, signal))[Symbol.asyncDispose]();
});
