// Bundles from one store into another, and the hostile ones.
import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import type { Header } from 'tar-stream';
import { sha256Hex } from '#test/support/artifact-server.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { makeStore, someBytes } from './binaries-fixture.ts';
import { blobName, bundleManifestText } from './bundle-manifest.ts';
import { importBundle } from './import-bundle.ts';
import { writeBundle } from './write-bundle.ts';

const { signal } = new AbortController();
const CONTENT = someBytes(300_000);
const DIGEST = sha256Hex(CONTENT);
const TOOL = { namespace: 'default', name: 'tool', digest: DIGEST, cacheKey: 'linux/amd64/tool' };

async function add(store: ArtifactStore, content: Uint8Array): Promise<string> {
  const digest = sha256Hex(content);
  await store.obtain(
    digest,
    async (partial) => {
      await partial.begin();
      await partial.write(content);
    },
    signal,
  );
  return digest;
}

test('a bundle carries artifacts to a machine without the internet, verified, and keeps them', async () => {
  const from = makeStore(tempDir());
  const layer = await add(from, someBytes(1_000, 2));
  await add(from, CONTENT);
  const path = join(tempDir(), 'tools.tar');
  await writeBundle(path, from, [{ ...TOOL, parts: [DIGEST, layer] }], signal);
  const first = await readFile(path);
  await writeBundle(path, from, [{ ...TOOL, parts: [layer, DIGEST] }], signal);
  assert.deepEqual(await readFile(path), first);
  const to = makeStore(tempDir());
  const imported = await importBundle(path, to, signal);
  assert.deepEqual([imported.artifacts, imported.added], [[TOOL], 2]);
  assert.deepEqual(await readFile(to.pathOf(DIGEST)), CONTENT);
  assert.equal((await importBundle(path, to, signal)).added, 0);
  assert.deepEqual(await to.collect(new Set(), 0), []);
  await to.releaseBundles();
  assert.equal((await to.collect(new Set(), 0)).length, 2);
});

test('a bundle that cannot be made leaves no file', async () => {
  const folder = tempDir();
  const path = join(folder, 'tools.tar');
  const parts = [DIGEST];
  await assert.rejects(writeBundle(path, makeStore(tempDir()), [{ ...TOOL, parts }], signal), {
    failure: 'NotFound',
  });
  const store = makeStore(tempDir());
  await add(store, CONTENT);
  const aborted = AbortSignal.abort(new Error('enough'));
  await assert.rejects(writeBundle(path, store, [{ ...TOOL, parts }], aborted), /enough/);
  assert.deepEqual(await readdir(folder), []);
});

interface TarEntry {
  readonly header: Partial<Header> & { readonly name: string };
  readonly content?: Uint8Array | string;
}

async function tar(entries: readonly TarEntry[]): Promise<string> {
  const path = join(tempDir(), 'bundle.tar');
  const archive = pack();
  for (const { header, content = '' } of entries) archive.entry(header, Buffer.from(content));
  archive.finalize();
  await pipeline(archive, createWriteStream(path));
  return path;
}

const BLOB = { digest: DIGEST, size: CONTENT.length };
const manifestOf = (blobs = [BLOB], artifacts = [TOOL]): TarEntry => ({
  header: { name: 'manifest.json' },
  content: bundleManifestText({ blobs, artifacts }),
});
const good: TarEntry = { header: { name: blobName(DIGEST) }, content: CONTENT };

test('hostile and broken bundles are refused, and nothing outside of the store is touched', async () => {
  const wrong = Buffer.from(CONTENT).fill(0, 0, 1);
  const other = sha256Hex('other');
  const cases: readonly (readonly [string, readonly TarEntry[], RegExp])[] = [
    ['no manifest', [good], /must begin with manifest\.json/],
    ['empty', [], /it is empty/],
    [
      'not JSON',
      [{ header: { name: 'manifest.json' }, content: 'x' }, good],
      /must begin with a manifest/,
    ],
    [
      'escape',
      [manifestOf(), { header: { name: '../../etc/passwd' }, content: 'x' }],
      /does not list/,
    ],
    [
      'absolute',
      [manifestOf(), { header: { name: '/etc/passwd' }, content: 'x' }],
      /does not list/,
    ],
    [
      'link',
      [
        manifestOf(),
        { header: { name: blobName(DIGEST), type: 'symlink', linkname: '/etc/passwd' } },
      ],
      /is a symlink/,
    ],
    [
      'hard link',
      [manifestOf(), { header: { name: blobName(DIGEST), type: 'link', linkname: '/etc/passwd' } }],
      /is a link/,
    ],
    [
      'device',
      [manifestOf(), { header: { name: blobName(DIGEST), type: 'block-device' } }],
      /is a block-device/,
    ],
    ['folder', [manifestOf(), { header: { name: 'blobs', type: 'directory' } }], /is a directory/],
    [
      'size',
      [manifestOf(), { ...good, content: CONTENT.subarray(1) }],
      /has 299999 bytes, and should have 300000/,
    ],
    ['bytes', [manifestOf(), { ...good, content: wrong }], /SHA-256 is/],
    ['missing', [manifestOf()], /it lacks 1 of its files/],
    ['twice', [manifestOf(), good, good], /does not list/],
    [
      'unnamed bytes',
      [manifestOf([BLOB], [{ ...TOOL, digest: other }]), good],
      /without its bytes/,
    ],
    ['listed twice', [manifestOf([BLOB, BLOB]), good], /lists a blob twice/],
  ];
  for (const [what, entries, words] of cases) {
    const store = makeStore(tempDir());
    await assert.rejects(importBundle(await tar(entries), store, signal), words, what);
    assert.deepEqual(await readdir(join(store.folder, 'partial')).catch(() => []), [], what);
    const stored = await store.list();
    for (const { path } of stored) assert.equal(sha256Hex(await readFile(path)), DIGEST, what);
  }
});

test('a bundle that was cut, that is something else, or is not there', async () => {
  const path = await tar([manifestOf(), good]);
  await truncate(path, (await stat(path)).size >> 1);
  await assert.rejects(
    importBundle(path, makeStore(tempDir()), signal),
    /no bundle|cannot be read/,
  );
  await writeFile(path, 'not a tar');
  await assert.rejects(importBundle(path, makeStore(tempDir()), signal), /no bundle/);
  await assert.rejects(
    importBundle(`${path}-none`, makeStore(tempDir()), signal),
    /does not exist/,
  );
});
