// Artifacts against the real control plane, a real HTTP server with faults, and a store on disk.
import assert from 'node:assert/strict';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Artifact } from '#controllers/artifact/types.ts';
import { ARTIFACTS } from '#controllers/machinery/resources.ts';
import { ArtifactBench, conditionOf } from '../support/artifact-bench.ts';
import { sha256Hex } from '../support/artifact-server.ts';
import { eventually } from '../support/eventually.ts';

const PATH = '/acme/tool/releases/download/v1.2.0%2Bk0s.0/tool-v1.2.0%2Bk0s.0-amd64';
const CONTENT = 'the tool, as published\n'.repeat(10_000);
const SECRETS = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret', namespaced: true };

test('a GitHub release behind a mirror is fetched once, verified, and settled [k0sctl-062]', async (t) => {
  const bench = await ArtifactBench.start(t);
  const digest = bench.server.publish(decodeURIComponent(PATH), CONTENT);
  await bench.create('tool', {
    version: 'v1.2.0+k0s.0',
    sources: [
      { url: `${bench.server.url}/nothing/here/tool-%v-%p` },
      { url: `${bench.server.url}/acme/tool/releases/download/%v/tool-%v-%p%x` },
    ],
    sha256From: { url: `${bench.server.url}/acme/tool/releases/download/%v/tool-%v-%p%x.sha256` },
  });
  const artifact = await bench.ready('tool', 'True', 'Stored');
  const { status } = artifact;
  assert.equal(status?.digest, `sha256:${digest}`);
  assert.equal(status.size, CONTENT.length);
  assert.equal(status.cacheKey, `linux/amd64/tool-v1.2.0+k0s.0-amd64@sha256:${digest}`);
  assert.equal(status.fetchCount, 1);
  assert.deepEqual(
    status.conditions?.map(({ type, status: is }) => [type, is]),
    [
      ['Resolved', 'True'],
      ['Reachable', 'True'],
      ['Cached', 'True'],
      ['Verified', 'True'],
      ['Ready', 'True'],
    ],
  );
  assert.equal(await bench.kept(digest), CONTENT);
  // Other controllers, as after a restart: nothing is fetched or written.
  const requests = bench.server.requests.length;
  const stop = await bench.controllers();
  await bench.create('other', {
    sources: [{ url: `${bench.server.url}/elsewhere` }],
    sha256: digest,
  });
  await bench.ready('other', 'True', 'Stored');
  await stop();
  const after = await bench.read('tool');
  assert.equal(after.metadata.resourceVersion, artifact.metadata.resourceVersion);
  assert.equal(bench.server.requests.length, requests);
});

test('a wrong digest keeps what was there, says why, and a mended source is taken [k0sctl-067]', async (t) => {
  const bench = await ArtifactBench.start(t);
  const first = bench.server.publish('/tool-1', CONTENT);
  await bench.create('tool', {
    version: '1',
    sources: [{ url: `${bench.server.url}/tool-%v` }],
    sha256: first,
  });
  await bench.ready('tool', 'True', 'Stored');
  const second = bench.server.publish('/tool-2', `${CONTENT}2`);
  bench.server.failAlways('/tool-2', { type: 'wrong' });
  await bench.change('tool', { version: '2', sha256: second });
  const failed = await bench.ready('tool', 'False', 'ChecksumMismatch');
  assert.equal(failed.status?.digest, `sha256:${first}`);
  assert.match(conditionOf(failed, 'Verified')?.message ?? '', new RegExp(`should be ${second}`));
  assert.equal(await bench.kept(first), CONTENT);
  await eventually('a warning', async () => {
    assert.ok(
      (await bench.events()).some(
        (event) => 'reason' in event && event.reason === 'ChecksumMismatch',
      ),
    );
  });
  bench.server.failAlways('/tool-2');
  // A change wakes it before its back-off ends.
  await bench.change('tool', { retain: 2 });
  const mended = await bench.ready('tool', 'True', 'Stored');
  assert.equal(mended.status?.digest, `sha256:${second}`);
  assert.deepEqual(
    mended.status.retained?.map(({ digest }) => digest),
    [`sha256:${first}`],
  );
  assert.equal(await bench.kept(first), CONTENT);
  // Nothing is to be retained any more: the earlier one goes.
  await bench.change('tool', { retain: 0 });
  await eventually('the earlier one is collected', () =>
    assert.rejects(bench.kept(first), { code: 'ENOENT' }),
  );
  assert.equal(await bench.kept(second), `${CONTENT}2`);
});

test('unchanged sources cause no fetch and no write, and damage is healed once [k0sctl-068] [k0sctl-073]', async (t) => {
  const bench = await ArtifactBench.start(t);
  const digest = bench.server.publish('/tool', CONTENT);
  const spec = { sources: [{ url: `${bench.server.url}/tool` }], sha256: digest };
  await bench.create('tool', spec);
  await bench.ready('tool', 'True', 'Stored');
  for (const label of ['one', 'two', 'three']) {
    const { client, signal } = bench.plane;
    const patch = { metadata: { labels: { label } } };
    const changed = await client.patch<Artifact>(
      ARTIFACTS,
      'default',
      'tool',
      '',
      'merge',
      patch,
      signal,
    );
    await bench.create(label, spec);
    await bench.ready(label, 'True', 'Stored');
    assert.equal(
      (await bench.read('tool')).metadata.resourceVersion,
      changed.metadata.resourceVersion,
    );
  }
  assert.equal(bench.server.fetches('/tool'), 1);
  await truncate(join(bench.folder, 'sha256', digest), 10);
  await bench.change('tool', { retain: 3 });
  await eventually('it is whole again', async () =>
    assert.equal(await bench.kept(digest), CONTENT),
  );
  const healed = await bench.ready('tool', 'True', 'Stored');
  assert.equal(healed.status?.fetchCount, 2);
});

test('a local file is found beside the manifests, and nothing outside of its folder [k0sctl-040] [k0sctl-046]', async (t) => {
  const bench = await ArtifactBench.start(t);
  await mkdir(join(bench.files, 'bin'));
  await writeFile(join(bench.files, 'bin', 'tool'), CONTENT);
  await writeFile(join(bench.files, '.key'), 'secret');
  await writeFile(join(bench.files, '..', 'outside'), 'secret');
  await symlink('../../outside', join(bench.files, 'bin', 'link'));
  await bench.create('tool', { sources: [{ localPath: 'bin/tool' }] });
  const artifact = await bench.ready('tool', 'True', 'Stored');
  assert.equal(artifact.status?.digest, `sha256:${sha256Hex(CONTENT)}`);
  const absolute = { sources: [{ localPath: join(bench.files, 'bin', 'tool') }] };
  await bench.create('absolute', absolute);
  await bench.ready('absolute', 'True', 'Stored');
  for (const [name, localPath] of [
    ['link', 'bin/link'],
    ['parent', '../outside'],
    ['hidden', '.key'],
    ['system', '/etc/hostname'],
  ] as const) {
    await bench.create(name, { sources: [{ localPath }] });
    const refused = await bench.ready(name, 'False', 'Refused');
    assert.match(conditionOf(refused, 'Resolved')?.message ?? '', /leads out of/);
  }
  await bench.create('missing', { sources: [{ localPath: 'none' }] });
  await bench.ready('missing', 'False', 'NotFound');
});

test('hosts that fetch themselves: it is reachable, and nothing is kept here', async (t) => {
  const bench = await ArtifactBench.start(t);
  const digest = bench.server.publish('/tool', CONTENT);
  const sources = [{ url: `${bench.server.url}/none` }, { url: `${bench.server.url}/tool` }];
  await bench.create('pulled', { sources, sha256: digest, delivery: 'NodePull' });
  const pulled = await bench.ready('pulled', 'True', 'Reachable');
  assert.equal(pulled.status?.source, `${bench.server.url}/tool`);
  await assert.rejects(bench.kept(digest));
  await bench.create('there', {
    sources: [{ existing: { path: '/usr/local/bin/tool' } }],
    delivery: 'Existing',
  });
  await bench.ready('there', 'True', 'OnHosts');
});

test('headers of a Secret reach the server, and nobody else', async (t) => {
  const bench = await ArtifactBench.start(t);
  const { client, signal } = bench.plane;
  const secret = 'Bearer very-secret-token';
  bench.server.authorization = secret;
  const digest = bench.server.publish('/tool', CONTENT);
  const spec = {
    sources: [
      {
        url: `${bench.server.url}/tool?signature=query-secret`,
        headersSecretRef: { name: 'login', key: 'Authorization' },
      },
    ],
    sha256: digest,
  };
  await bench.create('tool', spec);
  const failed = await bench.ready('tool', 'False', 'Refused');
  assert.match(
    conditionOf(failed, 'Ready')?.message ?? '',
    /Secret default\/login .* does not exist/,
  );
  const data = { Authorization: Buffer.from(secret).toString('base64') };
  await client.create(SECRETS, 'default', { metadata: { name: 'login' }, data }, signal);
  await bench.change('tool', { retain: 2 });
  const { status } = await bench.ready('tool', 'True', 'Stored');
  const events = await eventually('the event of the fetch', async () => {
    const found = await bench.events();
    assert.ok(found.some((event) => 'reason' in event && event.reason === 'Fetched'));
    return found;
  });
  assert.doesNotMatch(JSON.stringify([status, events]), /very-secret-token|query-secret/);
});

test('what makes no sense is refused before anything is tried [k0sctl-047] [k0sctl-048]', async (t) => {
  const bench = await ArtifactBench.start(t);
  const sha256 = 'a'.repeat(64);
  const url = 'https://example.test/tool';
  await bench.refused({ sources: [] }, /spec\.sources/);
  await bench.refused({}, /spec\.sources/);
  await bench.refused({ sources: [{}], sha256 }, /exactly one of github/);
  await bench.refused({ sources: [{ url, localPath: 'x' }], sha256 }, /exactly one of github/);
  await bench.refused({ sources: [{ url }] }, /give sha256 or sha256From/);
  await bench.refused({ sources: [{ url }], sha256, sha256From: { url } }, /not both/);
  await bench.refused({ sources: [{ url }], sha256: 'abc' }, /spec\.sha256/);
  await bench.refused({ sources: [{ url: 'ftp://x' }], sha256 }, /spec\.sources\[0\]\.url/);
  await bench.refused({ sources: [{ url: `${url}-%v` }], sha256 }, /version is missing/);
  await bench.refused({ sources: [{ mirror: { url } }], sha256 }, /a mirror needs/);
  await bench.refused({ sources: [{ url }], sha256, installPath: 'bin/tool' }, /installPath/);
  await bench.refused({ sources: [{ url }], sha256, delivery: 'Existing' }, /delivery Existing/);
  await bench.refused(
    { sources: [{ localPath: 'x' }], delivery: 'NodePull' },
    /NodePull needs sources that hosts can reach/,
  );
  const existing = { delivery: 'Existing', sources: [{ existing: { path: '/opt/x.tar' } }] };
  await bench.refused({ type: 'Tar', ...existing }, /an archive that is on the hosts/);
  await bench.refused({ type: 'OCIImage', sources: [{ url }], sha256 }, /OCIImage needs/);
  for (const mode of ['u+rwx', '0800', 800, -1, '755x'])
    await bench.refused({ sources: [{ url }], sha256, mode }, /spec\.mode/);
  for (const [index, mode] of ['0755', '755', 493, 0].entries())
    await bench.create(`mode-${index}`, { sources: [{ url }], sha256, mode });
});

test('a changed spec ends the fetch that it makes useless', async (t) => {
  const bench = await ArtifactBench.start(t);
  const first = bench.server.publish('/tool-1', CONTENT);
  const second = bench.server.publish('/tool-2', `${CONTENT}2`);
  const { promise, resolve } = Promise.withResolvers<void>();
  t.after(() => resolve());
  bench.server.failAlways('/tool-1', { type: 'slow', release: promise });
  const sources = [{ url: `${bench.server.url}/tool-%v` }];
  await bench.create('tool', { version: '1', sources, sha256: first });
  await eventually('it is asked for', () => assert.equal(bench.server.fetches('/tool-1'), 1));
  await bench.change('tool', { version: '2', sha256: second });
  const { status } = await bench.ready('tool', 'True', 'Stored');
  assert.equal(status?.digest, `sha256:${second}`);
  await assert.rejects(bench.kept(first));
});

test('an apiVersion that nobody knows is refused by name, the right one passes [k0sctl-044]', async (t) => {
  const bench = await ArtifactBench.start(t);
  const { client, signal } = bench.plane;
  const body = (apiVersion: string) => ({
    apiVersion,
    kind: 'Artifact',
    metadata: { name: 'versioned' },
    spec: { sources: [{ localPath: 'x' }] },
  });
  for (const wrong of ['wrongversion', 'windlass.dev/v9'])
    await assert.rejects(
      client.create(ARTIFACTS, 'default', body(wrong), signal),
      /windlass\.dev\/v1alpha1/,
      wrong,
    );
  await client.create(ARTIFACTS, 'default', body('windlass.dev/v1alpha1'), signal);
  assert.equal((await bench.read('versioned')).spec.sources.length, 1);
});
