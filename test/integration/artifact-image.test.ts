// Images as artifacts, from Debian's docker-registry with a login that stands in a Secret.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Artifact } from '#controllers/artifact/types.ts';
import { parseImageReference } from '#controllers/machinery/image-reference.ts';
import { pushImage } from '#controllers/registry/image-fixture.ts';
import { Repository } from '#controllers/registry/repository.ts';
import { sha256 } from '#controllers/registry/sha256.ts';
import { Transport } from '#controllers/registry/transport.ts';
import { ARTIFACTS } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { ArtifactBench, conditionOf } from '../support/artifact-bench.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import { needs } from '../support/missing-part.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const missing = needs(await missingForRegistry());

test(
  'an image is kept with its layers, an artifact of one layer as the file it is',
  missing,
  async (t) => {
    const bench = await ArtifactBench.start(t);
    const { client, signal } = bench.plane;
    const registry = await startRegistry('ann:pass-word');
    t.after(() => registry.close());
    const transport = new Transport({ clock: systemClock, userAgent: 'windlass-test' });
    t.after(() => transport[Symbol.asyncDispose]());
    const repository = new Repository(
      transport,
      parseImageReference(`${registry.address}/acme/root`),
      [{ username: 'ann', password: 'pass-word' }],
    );
    const manifest = await pushImage(repository, 'amd64', 'the layer', signal);
    const { content } = await repository.manifest(manifest, signal);
    const platform = { os: 'linux', architecture: 'amd64' };
    const entry = { digest: manifest, size: content.length, platform };
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [entry] };
    const bytes = Buffer.from(JSON.stringify(index));
    const digest = await repository.putManifest('1', { mediaType: INDEX, content: bytes }, signal);
    const image = `${registry.address}/acme/root:1`;
    const sources = [{ image, headersSecretRef: { name: 'registry' } }];

    await bench.create('root', { type: 'OCIImage', sources });
    const failed = await bench.ready('root', 'False', 'Refused');
    assert.match(conditionOf(failed, 'Ready')?.message ?? '', /wants a login/);
    const auths = { [registry.address]: { username: 'ann', password: 'pass-word' } };
    const config = Buffer.from(JSON.stringify({ auths })).toString('base64');
    const secret = {
      metadata: { name: 'registry' },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': config },
    };
    const resource = {
      group: '',
      version: 'v1',
      resource: 'secrets',
      kind: 'Secret',
      namespaced: true,
    };
    await client.create(resource, 'default', secret, signal);
    await bench.change('root', { retain: 2 });
    const root = await bench.ready('root', 'True', 'Stored');
    assert.equal(root.status?.digest, digest);
    assert.equal(root.status.source, image);
    for (const part of [digest, manifest, sha256(Buffer.from('the layer'))])
      assert.equal(sha256(Buffer.from(await bench.kept(part))), part);
    assert.doesNotMatch(JSON.stringify([root, await bench.events()]), /pass-word/);

    await bench.create('file', {
      sources: [{ ...sources[0], image: `${registry.address}/acme/root:amd64` }],
    });
    const file = await bench.ready('file', 'True', 'Stored');
    assert.equal(await bench.kept(file.status?.digest ?? ''), 'the layer');
    await bench.create('arm', { type: 'OCIImage', sources, architecture: 'arm64' });
    const arm = await bench.ready('arm', 'False', 'NotFound');
    assert.match(
      conditionOf(arm, 'Ready')?.message ?? '',
      /is not there for linux\/arm64; it is for: linux\/amd64/,
    );
    await bench.create('other', { type: 'OCIImage', sources, sha256: 'a'.repeat(64) });
    await bench.ready('other', 'False', 'ChecksumMismatch');

    // The registry is gone: what is kept is still good.
    await registry.close();
    const again = await bench.controllers();
    await client.patch<Artifact>(
      ARTIFACTS,
      'default',
      'root',
      '',
      'merge',
      { metadata: { labels: { a: 'b' } } },
      signal,
    );
    await again();
    await bench.ready('root', 'True', 'Stored');
    assert.equal(await bench.kept(digest), bytes.toString());
  },
);
