// What NFS servers and disks answer when they are in trouble, at the very calls where it matters.
import assert from 'node:assert/strict';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NothingWrittenError } from './blob-store.ts';
import { DirectoryBlobStore } from './directory-store.ts';

const root = mkdtempSync(join(tmpdir(), 'windlass-faults-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;

/** A store whose first `times` arrivals at a point fail as a call of the operating system would. */
function failing(point: string, code: string, syscall: string, times = 1) {
  count += 1;
  let left = times;
  const path = join(root, String(count));
  const store = new DirectoryBlobStore({
    path,
    writer: 'w',
    at: (reached) => {
      if (reached !== point || left === 0) return;
      left -= 1;
      throw Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
    },
  });
  return { store, path };
}

/** Names of all files, temporary ones too. */
function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(json|tmp)$/.test(name),
  );
}

const BODY = Buffer.from('{}');

for (const [point, code, syscall] of [
  ['before-write', 'ESTALE', 'write'],
  ['before-link', 'ESTALE', 'link'],
  ['before-write', 'EIO', 'write'],
] as const) {
  test(`${code} of ${syscall} is tried once more, from the path`, async () => {
    const once = failing(point, code, syscall);
    await once.store.probe('m').catch(() => undefined);
    assert.equal(await once.store.putIfAbsent('a.json', BODY), 'created');
    assert.deepEqual(filesIn(once.path), ['a.json']);
    const always = failing(point, code, syscall, Infinity);
    await assert.rejects(always.store.probe('m'), { name: 'StorageFailedError' });
    await assert.rejects(always.store.putIfAbsent('a.json', BODY), { name: 'StorageFailedError' });
    assert.equal(await always.store.get('a.json'), undefined);
  });
}

test('a failed fsync is never tried again', async () => {
  const { store, path } = failing('before-fsync', 'EIO', 'fsync');
  await assert.rejects(store.probe('m'), { name: 'StorageFailedError', message: /EIO/ });
  assert.deepEqual(filesIn(path), []);
  await store.probe('m');
});

test('a full disk leaves nothing behind', async () => {
  const { store, path } = failing('before-fsync', 'ENOSPC', 'write');
  await assert.rejects(store.probe('m'), { name: 'StorageFullError' });
  assert.deepEqual(filesIn(path), []);
});

test('a server that times out before the link was tried has written nothing, afterwards nobody knows', async () => {
  const before = failing('before-write', 'ETIMEDOUT', 'write', Infinity);
  await before.store.probe('m').catch(() => undefined);
  await assert.rejects(before.store.putIfAbsent('a.json', BODY), NothingWrittenError);
  const late = failing('after-link', 'ETIMEDOUT', 'fsync', Infinity);
  await late.store.probe('m').catch(() => undefined);
  await assert.rejects(late.store.putIfAbsent('a.json', BODY), (error: Error) => {
    assert.equal(error.name, 'StorageUnreachableError');
    assert.ok(!(error instanceof NothingWrittenError));
    return true;
  });
  assert.notEqual(await late.store.get('a.json'), undefined);
});

test('a link that was made although the answer says that the name is taken is ours', async () => {
  const path = join(root, 'lost-answer');
  let isLost = false;
  const store = new DirectoryBlobStore({
    path,
    writer: 'w',
    at: (point) => {
      if (point !== 'before-link' || !isLost) return;
      // The server did it, the answer got lost, and the client asks again.
      const [temporary = ''] = readdirSync(path).filter((name) => name.endsWith('.tmp'));
      linkSync(join(path, temporary), join(path, 'a.json'));
    },
  });
  await store.probe('m');
  isLost = true;
  assert.equal(await store.putIfAbsent('a.json', BODY), 'created');
  isLost = false;
  assert.equal(await store.putIfAbsent('a.json', BODY), 'exists');
  assert.deepEqual(filesIn(path), ['a.json']);
});

test('a file system without hard links is refused, and says what it lacks', async () => {
  const { store } = failing('before-link', 'EPERM', 'link', Infinity);
  await assert.rejects(store.probe('m'), {
    name: 'ForeignDataError',
    message: /makes no hard links \(EPERM\)/,
  });
});

test('temporary files of dead writers are removed after an hour, younger ones stay', async () => {
  const { store, path } = failing('never', '', '');
  await store.probe('m');
  await store.putIfAbsent('wal/1.json', BODY);
  for (const [name, hours] of [
    ['.dead.1.tmp', 2],
    ['.alive.1.tmp', 0.5],
  ] as const) {
    const file = join(path, 'wal', name);
    writeFileSync(file, 'x');
    const at = Date.now() / 1_000 - hours * 3_600;
    utimesSync(file, at, at);
  }
  await store.probe('m');
  assert.deepEqual(filesIn(path).toSorted(), ['wal/.alive.1.tmp', 'wal/1.json']);
});

test('files of others are neither taken for our own nor removed, wherever they lie', async () => {
  const path = join(root, 'beside-others');
  mkdirSync(join(path, 'home'), { recursive: true });
  const theirs = [join(path, 'home', '.draft.1.tmp'), join(path, '.editor.tmp')];
  for (const file of theirs) {
    writeFileSync(file, 'x');
    utimesSync(file, 1, 1);
  }
  const options = { path, writer: 'w', refusesOthers: true };
  await assert.rejects(new DirectoryBlobStore(options).probe('m'), {
    name: 'ForeignDataError',
    message: /beside-others: it holds other files \(home\) and no state of Windlass/,
  });
  // Somebody may put things there later.
  await new DirectoryBlobStore({ path, writer: 'w' }).putIfAbsent('format.json', BODY);
  await new DirectoryBlobStore(options).probe('m');
  assert.deepEqual(filesIn(path).toSorted(), ['.editor.tmp', 'format.json', 'home/.draft.1.tmp']);
  // What file servers make by themselves is in nobody's way.
  const served = join(root, 'served');
  for (const name of ['lost+found', '.snapshot', '@eaDir', '#recycle'])
    mkdirSync(join(served, name), { recursive: true });
  await new DirectoryBlobStore({ ...options, path: served }).probe('m');
});
