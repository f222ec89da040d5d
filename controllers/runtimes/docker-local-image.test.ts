// Archives as Engines of several ages write them, over a socket of the test's own.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { tempDir } from '#test/support/temp-dir.ts';
import { LocalEngine, LocalImageError } from './docker-local-image.ts';

const { signal } = new AbortController();
const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const LOW = Buffer.from('the lowest layer '.repeat(5000));
const HIGH = Buffer.from('the next layer '.repeat(5000));
const CONFIG = Buffer.from('{"rootfs":{"type":"layers"}}');
const digests = [LOW, HIGH].map((layer) => `sha256:${hex(layer)}`);

type File = readonly [name: string, bytes: Buffer];

function manifest(config: string, layers: readonly string[]): File {
  return ['manifest.json', Buffer.from(JSON.stringify([{ Config: config, Layers: layers }]))];
}

async function engineOf(t: TestContext, files: readonly File[]): Promise<LocalEngine> {
  const server = createServer((request, response) => {
    if (request.url?.includes('/images/gone') === true)
      return void response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    const tar = pack();
    for (const [name, bytes] of files) tar.entry({ name }, bytes);
    // The same layer again, as old Engines say it.
    tar.entry({ name: 'again/layer.tar', type: 'symlink', linkname: '../low/layer.tar' });
    tar.finalize();
    Readable.from(tar as AsyncIterable<Buffer>).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new LocalEngine(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const blob = (bytes: Buffer): string => `blobs/sha256/${hex(bytes)}`;
const [gzip, zstd] = [gzipSync(LOW), zstdCompressSync(HIGH)];

for (const { title, files } of [
  {
    title: 'of Engines before 25',
    files: [
      ['high/VERSION', Buffer.from('1.0')],
      ['high/json', Buffer.from('{"id":"high"}')],
      ['high/layer.tar', HIGH],
      ['low/layer.tar', LOW],
      [`${hex(CONFIG)}.json`, CONFIG],
      manifest(`${hex(CONFIG)}.json`, ['low/layer.tar', 'high/layer.tar']),
    ] satisfies File[],
  },
  {
    title: 'of Engines from 25 on',
    files: [
      [blob(HIGH), HIGH],
      [blob(LOW), LOW],
      [blob(CONFIG), CONFIG],
      ['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
      ['index.json', Buffer.from('{"manifests":[]}')],
      manifest(blob(CONFIG), [blob(LOW), blob(HIGH)]),
    ] satisfies File[],
  },
  {
    title: 'with compressed layers',
    files: [
      manifest(blob(CONFIG), [blob(gzip), blob(zstd)]),
      [blob(gzip), gzip],
      [blob(zstd), zstd],
      [blob(CONFIG), CONFIG],
    ] satisfies File[],
  },
]) {
  test(`an archive ${title} gives the layers that are wanted, and no others`, async (t) => {
    const engine = await engineOf(t, files);
    const image = { id: `sha256:${hex(CONFIG)}`, layers: digests, sizeBytes: 1 };
    for (const wanted of [digests, digests.slice(1), []]) {
      const folder = tempDir();
      const found = await engine.export(image, 'app', new Set(wanted), folder, signal);
      assert.deepEqual(found.config, CONFIG);
      assert.deepEqual([...found.files.keys()].toSorted(), wanted.toSorted());
      for (const [digest, file] of found.files)
        assert.equal(`sha256:${hex(await readFile(file))}`, digest);
      assert.equal((await readdir(folder)).length, wanted.length);
    }
  });
}

test('an archive that lacks a layer, or is none, is refused', async (t) => {
  const image = { id: 'sha256:x', layers: digests, sizeBytes: 1 };
  const lacking = await engineOf(t, [manifest('c.json', []), ['c.json', CONFIG]]);
  await assert.rejects(
    lacking.export(image, 'app', new Set(digests), tempDir(), signal),
    (error) => error instanceof LocalImageError && /lacks sha256:[0-9a-f]{64}/.test(error.message),
  );
  for (const text of ['', '{', '[]', '[7]', '[{"Config":7}]']) {
    const odd = await engineOf(t, [['manifest.json', Buffer.from(text)]]);
    await assert.rejects(
      odd.export(image, 'app', new Set(), tempDir(), signal),
      /lacks its configuration/,
      text,
    );
  }
});

test('an Engine that has no such image, or does not answer, is told apart', async (t) => {
  const engine = await engineOf(t, []);
  await assert.rejects(
    engine.find('gone:1'),
    /has no image gone:1: build it with docker build -t gone:1/,
  );
  await assert.rejects(
    new LocalEngine('tcp://127.0.0.1:1').find('a'),
    /Cannot reach a Docker Engine .*DOCKER_HOST/,
  );
  assert.throws(() => new LocalEngine('ssh://host'), LocalImageError);
});
