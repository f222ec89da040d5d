import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { createGunzip, gzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { systemClock } from '#platform/clock.ts';
import {
  chooseManifest,
  compressionOf,
  ociMediaType,
  parseManifest,
} from '../binaries/image-manifest.ts';
import type { Repository } from '../registry/repository.ts';
import { bounded } from './bounded.ts';
import { bootable, imageBlobs, tarOf, writeLayout } from './image-fixture.ts';
import type { FixtureEntry } from './image-fixture.ts';
import { LayeredImage } from './image-layers.ts';
import { parseImageLocation } from './image-location.ts';
import { layoutImage, registryImage, resolveImageManifest } from './image-source.ts';
import { openBench } from './rootfs-fixture.ts';
import { treeArchive } from './tree-archive.ts';

const { signal } = new AbortController();
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windlass-image-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function flattened(
  layers: readonly (readonly FixtureEntry[])[],
  mostBytes?: number,
): Promise<readonly string[]> {
  count += 1;
  await using spool = await open(join(folder, `spool-${count}`), 'wx+');
  const image = new LayeredImage(spool, mostBytes === undefined ? {} : { mostBytes });
  for (const layer of layers) {
    const content = await tarOf(layer);
    await image.add([content] as unknown as AsyncIterable<Uint8Array>, 'none', signal);
  }
  const entries = extract();
  const lines: string[] = [];
  const reading = (async () => {
    for await (const entry of entries) {
      const { name, type, linkname, mode } = entry.header;
      const parts: Buffer[] = [];
      for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
      const what =
        type === 'file'
          ? `= ${Buffer.concat(parts).toString()}`
          : type === 'directory'
            ? '/'
            : `${type === 'link' ? '==' : '->'} ${linkname ?? ''}`;
      lines.push(`${name} ${what}${mode === 0o755 ? '' : ` ${(mode ?? 0).toString(8)}`}`);
    }
  })();
  for await (const piece of treeArchive(image, signal)) entries.write(piece);
  entries.end(Buffer.alloc(0));
  await reading;
  return lines;
}

test('layers lie on each other, whiteouts hide what is below and not what their own layer brings', async () => {
  assert.deepEqual(
    await flattened([
      [
        { name: 'a/', type: 'directory' },
        { name: 'a/old', text: '1' },
        { name: 'a/kept', text: '2' },
        { name: 'b/x', text: '3' },
        { name: 'c', text: '4' },
      ],
      [
        { name: 'a/.wh.old' },
        { name: 'b/new', text: '5' },
        { name: 'b/.wh..wh..opq' },
        { name: 'c', text: '6' },
        { name: '.wh.c' },
        { name: 'd', mode: 0o4755, text: 's' },
      ],
    ]),
    ['a /', 'a/kept = 2', 'b /', 'b/new = 5', 'c = 6', 'd = s 4755'],
  );
});

test('hard links stay links, and outlive the name they were made of', async () => {
  const names = [
    { name: 'one', text: 'x' },
    { name: 'two', type: 'link', linkname: 'one' },
  ] as const;
  assert.deepEqual(await flattened([names]), ['one = x', 'two == one']);
  assert.deepEqual(await flattened([names, [{ name: '.wh.one' }]]), ['two = x']);
});

test('a folder that became a link is written through inside of the root', async () => {
  const merged = [
    { name: 'usr/lib/', type: 'directory' },
    { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
    { name: 'etc', type: 'symlink', linkname: '/usr/etc' },
  ] as const;
  assert.deepEqual(
    await flattened([
      merged,
      [
        { name: 'lib/x', text: '1' },
        { name: 'etc/passwd', text: '2' },
      ],
    ]),
    [
      'etc -> /usr/etc',
      'lib -> usr/lib',
      'usr /',
      'usr/etc /',
      'usr/etc/passwd = 2',
      'usr/lib /',
      'usr/lib/x = 1',
    ],
  );
});

test('what leads out of the root is refused [unbounded-091]', async () => {
  const refused = (...layer: readonly FixtureEntry[]): Promise<void> =>
    assert.rejects(
      flattened([layer]),
      /leads? out|leads? to each other|is not there|hides nothing/,
    );
  await refused({ name: '../../etc/passwd', text: 'x' });
  await refused({ name: 'a/../../etc/passwd', text: 'x' });
  await refused({ name: 'a', type: 'link', linkname: '../../../etc/shadow' });
  await refused({ name: 'a', type: 'link', linkname: '/etc/shadow' });
  await refused(
    { name: 'a', type: 'symlink', linkname: '../../etc' },
    { name: 'a/passwd', text: 'x' },
  );
  await refused({ name: 'a', type: 'symlink', linkname: 'a' }, { name: 'a/b', text: 'x' });
  await refused({ name: '.wh...', text: '' });
});

test('an image that unpacks without end is refused', async () => {
  await assert.rejects(
    flattened([[{ name: 'a', text: 'x'.repeat(5000) }]], 4096),
    /more than 4096/,
  );
});

test('what unpacks without end is cut off before anybody looks at it', async () => {
  // 64 MiB of zeros are 64 KiB on the way, and any number of them may follow each other.
  const bomb = Array.from({ length: 8 }, () => gzipSync(Buffer.alloc(1 << 20)));
  const unpacked = bounded(4 << 20, 'the archive');
  let read = 0;
  const unpacking = pipeline(bomb, createGunzip(), unpacked, async (source) => {
    for await (const piece of source) read += piece.length;
  });
  await assert.rejects(unpacking, /the archive unpacks to more than 4194304 bytes/);
  assert.ok(read <= 4 << 20);
});

test('references: tags, digests, layouts, archives [unbounded-077]', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const briefOf = (text: string): unknown => {
    const location = parseImageLocation(text);
    switch (location.kind) {
      case 'registry':
        return location.reference;
      case 'layout':
        return [location.path, location.tag];
      case 'archive':
        return location.url.href;
    }
  };
  assert.deepEqual(briefOf('r.test/a:1'), { domain: 'r.test', path: 'a', tag: '1' });
  assert.deepEqual(briefOf(`oci://r.test/a@${digest}`), { domain: 'r.test', path: 'a', digest });
  assert.deepEqual(briefOf('r.test/a'), { domain: 'r.test', path: 'a' });
  assert.deepEqual(briefOf('oci-layout:///srv/image:v1'), ['/srv/image', 'v1']);
  assert.deepEqual(briefOf('oci-layout:/srv/image'), ['/srv/image', undefined]);
  assert.equal(briefOf('https://x.test/image.tar'), 'https://x.test/image.tar');
  assert.throws(
    () => parseImageLocation('https://x.test/image.tar?token=s3cret'),
    (error: Error) => {
      assert.match(error.message, /no query/);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    },
  );
  assert.throws(() => parseImageLocation('oci-layout:relative:v1'), /ABSOLUTE/);
  assert.throws(() => parseImageLocation('http://x.test/image.tar'), /plain HTTP/);
});

test('plain HTTP is only for what is near [unbounded-075]', () => {
  const mayBePlain = (text: string): boolean => {
    const location = parseImageLocation(text);
    return location.kind === 'registry' && location.mayBePlain;
  };
  for (const near of [
    'localhost:5000',
    '127.0.0.1:5000',
    '10.0.0.7',
    '192.168.1.2:80',
    '172.20.0.1',
  ])
    assert.equal(mayBePlain(`${near}/a:1`), true, near);
  for (const far of ['r.test', '8.8.8.8:5000', '172.32.0.1', 'localhost.r.test'])
    assert.equal(mayBePlain(`${far}/a:1`), false, far);
});

test('media types of Docker are those of OCI [unbounded-074]', async () => {
  const path = join(folder, 'docker');
  await writeLayout(path, { layers: [bootable()], isDocker: true, platforms: ['linux/amd64'] });
  const { manifest } = await resolveImageManifest(
    layoutImage(path),
    { architecture: 'amd64' },
    signal,
  );
  assert.deepEqual(
    manifest.layers.map((layer) => compressionOf(layer)),
    ['gzip'],
  );
  const own = 'application/vnd.oci.image.layer.v1.tar+zstd';
  assert.equal(ociMediaType(own), own);
  assert.throws(
    () => compressionOf({ digest: '', size: 0, mediaType: 'text/plain' }),
    /text\/plain/,
  );
});

test('a wrong platform is refused with those that there are [unbounded-078]', async () => {
  const { index } = await imageBlobs({
    layers: [bootable()],
    platforms: ['linux/amd64', 'linux/s390x', 'windows/amd64'],
  });
  assert.throws(() => {
    const found = parseManifest(index);
    assert.ok(found.kind === 'index');
    chooseManifest(found.manifests, { os: 'linux', architecture: 'arm64' });
  }, /not there for linux\/arm64; it is for: linux\/amd64, linux\/s390x, windows\/amd64/);
  const path = join(folder, 'single');
  await writeLayout(path, { layers: [bootable()] });
  const found = await resolveImageManifest(layoutImage(path), { architecture: 'arm64' }, signal);
  assert.equal(found.manifest.layers.length, 1, 'one manifest that does not say is accepted');
});

test('layers of a registry come into the store: the next machine asks for none', async () => {
  await using bench = await openBench();
  const { fetcher } = bench.context();
  const content = await tarOf(bootable());
  const digest = createHash('sha256').update(content).digest('hex');
  bench.releases.put('v2/root/blobs/layer', content);
  const url = new URL(`${bench.releases.origin}/v2/root/blobs/layer`);
  const located: string[] = [];
  const repository = {
    async blobLocation(wanted: string) {
      located.push(wanted);
      return { url, headers: {} };
    },
  } as Partial<Repository> as Repository;
  const location = parseImageLocation('r.test/root:1');
  assert.ok(location.kind === 'registry');
  const source = registryImage({ clock: systemClock, fetcher, repository }, location);
  const layer = { digest, size: content.length, mediaType: '' };
  const read = async (): Promise<void> => {
    const parts: Uint8Array[] = [];
    for await (const piece of source.blob(layer, signal)) parts.push(piece);
    assert.deepEqual(Buffer.concat(parts), content);
  };
  await Promise.all([read(), read()]);
  await read();
  assert.deepEqual(located, [`sha256:${digest}`]);
  assert.deepEqual(bench.releases.asked, ['GET /v2/root/blobs/layer']);
  bench.releases.put('v2/root/blobs/layer', Buffer.alloc(content.length));
  await fetcher.store.remove(digest);
  await assert.rejects(read(), /SHA-256 is .*, and should be/);
});

test('layouts are read by tag, and bytes that differ from their digest are not', async () => {
  const path = join(folder, 'tagged');
  await writeLayout(path, { layers: [bootable()], tag: 'v1', compression: 'zstd' });
  const source = layoutImage(path);
  const wanted = { architecture: 'amd64', tag: 'v2' };
  await assert.rejects(resolveImageManifest(source, wanted, signal), /no image tagged v2; .* v1$/);
  const { manifest } = await resolveImageManifest(source, { ...wanted, tag: 'v1' }, signal);
  const [layer] = manifest.layers;
  assert.ok(layer);
  await writeFile(join(path, 'blobs', 'sha256', layer.digest), Buffer.alloc(layer.size));
  const read = async (): Promise<void> => {
    for await (const piece of source.blob(layer, signal)) assert.ok(piece.length > 0);
  };
  await assert.rejects(read, /what came for sha256:.* is sha256:/);
});
