// Roots from a real registry: by tag and by digest, with and without a login, chosen by platform; and from an archive over HTTP.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { pack } from 'tar-stream';
import { parseImageReference } from '#controllers/machinery/image-reference.ts';
import { Repository } from '#controllers/registry/repository.ts';
import { Transport } from '#controllers/registry/transport.ts';
import { bootable, imageBlobs } from '#controllers/rootfs/image-fixture.ts';
import { imageOpener } from '#controllers/rootfs/open-image.ts';
import type { RootFSContext } from '#controllers/rootfs/rootfs-context.ts';
import { ensureNSpawnWorkspace } from '#controllers/rootfs/workspace.ts';
import { openBench } from '#controllers/rootfs/rootfs-fixture.ts';
import type { RootFSBench } from '#controllers/rootfs/rootfs-fixture.ts';
import { systemClock } from '#platform/clock.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import { needs } from '../support/missing-part.ts';

const { signal } = new AbortController();
const LOGIN = { username: 'me', password: 'secret' };
const IMAGE = {
  layers: [bootable(), [{ name: 'etc/release', text: 'from a registry' }]],
  platforms: ['linux/amd64', 'linux/arm64'],
};

/** @returns the digest of the index */
async function push(address: string, login?: typeof LOGIN): Promise<string> {
  const { blobs, index, manifests } = await imageBlobs(IMAGE);
  await using transport = new Transport({ clock: systemClock, userAgent: 'windlass-test' });
  const reference = parseImageReference(`${address}/node`);
  const logins = login === undefined ? [] : [login];
  const repository = new Repository(transport, reference, logins);
  for (const content of blobs.values()) await repository.putBlob(content, 1 << 20, signal);
  const oci = 'application/vnd.oci.image';
  for (const [at, content] of manifests.entries())
    await repository.putManifest(
      `part-${at}`,
      { mediaType: `${oci}.manifest.v1+json`, content },
      signal,
    );
  const mediaType = `${oci}.index.v1+json`;
  return await repository.putManifest('v1', { mediaType, content: index }, signal);
}

function contextFor(bench: RootFSBench, image: string, login?: typeof LOGIN): RootFSContext {
  const context = bench.context({ node: undefined, spec: { image } }, image);
  const logins = async () => (login === undefined ? [] : [login]);
  return { ...context, images: imageOpener({ ...context, logins }) };
}

async function releaseOf(context: RootFSContext): Promise<string> {
  await ensureNSpawnWorkspace(context).do(signal);
  const path = `${context.goal.machineDirectory}/etc/release`;
  return new TextDecoder().decode(await context.host.readFile(path, signal));
}

suite('roots from a registry', needs(await missingForRegistry()), () => {
  test('by tag and by digest', async (t) => {
    const registry = await startRegistry();
    t.after(() => registry.close());
    await using bench = await openBench();
    const digest = await push(registry.address);
    for (const image of [`${registry.address}/node:v1`, `${registry.address}/node@${digest}`])
      assert.equal(await releaseOf(contextFor(bench, image)), 'from a registry', image);
    await assert.rejects(
      releaseOf(contextFor(bench, `${registry.address}/node:v2`)),
      /manifest v2/,
    );
  });

  test('with a login, and not without', async (t) => {
    const registry = await startRegistry(`${LOGIN.username}:${LOGIN.password}`);
    t.after(() => registry.close());
    await using bench = await openBench();
    await push(registry.address, LOGIN);
    const image = `${registry.address}/node:v1`;
    await assert.rejects(releaseOf(contextFor(bench, image)), /wants a login, and none is known/);
    assert.equal(await releaseOf(contextFor(bench, image, LOGIN)), 'from a registry');
  });
});

test('a root from an archive of a layout', async () => {
  await using bench = await openBench();
  const { blobs, index } = await imageBlobs(IMAGE);
  const archive = pack();
  archive.entry({ name: 'index.json' }, index.toString());
  for (const [digest, content] of blobs)
    archive.entry({ name: `blobs/sha256/${digest.slice('sha256:'.length)}` }, content as never);
  archive.entry({ name: '../../evil', type: 'directory' });
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive as AsyncIterable<Buffer>) parts.push(part);
  bench.releases.put('hostile.tar', Buffer.concat(parts));
  const url = (name: string): string => `${bench.releases.origin}/${name}`;
  await assert.rejects(releaseOf(contextFor(bench, url('hostile.tar'))), /leads out/);
  const good = pack();
  good.entry({ name: 'index.json' }, index.toString());
  for (const [digest, content] of blobs)
    good.entry({ name: `blobs/sha256/${digest.slice('sha256:'.length)}` }, content as never);
  good.finalize();
  const bytes: Buffer[] = [];
  for await (const part of good as AsyncIterable<Buffer>) bytes.push(part);
  bench.releases.put('image.tar', Buffer.concat(bytes));
  assert.equal(await releaseOf(contextFor(bench, url('image.tar'))), 'from a registry');
});
