// A host that fetches by itself, with a real curl from real servers that misbehave.
import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { ArtifactServer } from '#test/support/artifact-server.ts';
import { needs } from '#test/support/missing-part.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { LocalDirHost } from '../hosts/local-dir/local-dir-host.ts';
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactFailure } from './artifact-error.ts';
import { pullOnHost } from './pull-on-host.ts';
import type { HostPull } from './pull-on-host.ts';

const { signal } = new AbortController();
const CONTENT = 'bytes of a program\n'.repeat(20_000);
const SECRET = { 'x-token': 's3cret' };

const curl = await access('/usr/bin/curl').then(
  () => undefined,
  () => 'needs curl in /usr/bin',
);

interface Bench {
  readonly server: ArtifactServer;
  readonly digest: string;
  readonly pull: (change?: Partial<HostPull>) => Promise<void>;
  readonly fails: (failure: ArtifactFailure, change?: Partial<HostPull>) => Promise<string>;
  /** What is in the folder: the file alone, when nothing is left behind. */
  readonly left: () => Promise<readonly string[]>;
}

async function bench(t: TestContext): Promise<Bench> {
  const server = await ArtifactServer.start(t);
  const digest = server.publish('/tool', CONTENT);
  const root = tempDir();
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin', 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const host = await LocalDirHost.open({ path: root, clock: systemClock, ids: systemIds });
  await host.putFile('/opt/tool', 'old', { signal });
  const wanted = { url: `${server.url}/tool`, sha256: digest, path: '/opt/tool' };
  const pull = (change = {}): Promise<void> => pullOnHost(host, { ...wanted, ...change }, signal);
  return {
    server,
    digest,
    pull,
    async fails(failure, change) {
      const error = await pull(change).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ArtifactError, String(error));
      assert.equal(error.failure, failure, error.message);
      assert.equal(await readFile(join(root, 'opt/tool'), 'utf8'), 'old', 'the old one is there');
      assert.deepEqual(await readdir(join(root, 'opt')), ['tool'], 'no part is left');
      return error.message;
    },
    left: () => readdir(join(root, 'opt')),
  };
}

test(
  'secrets go to the server that they are for, and to none that it leads to',
  needs(curl),
  async (t) => {
    const { server, pull, left } = await bench(t);
    const other = await ArtifactServer.start(t);
    other.publish('/elsewhere', CONTENT);
    server.fail('/tool', { type: 'redirect', to: '/tool' });
    server.fail('/tool', { type: 'redirect', to: `${other.url}/elsewhere` });
    await pull({ headers: SECRET });
    assert.deepEqual(await left(), ['tool']);
    assert.deepEqual(
      server.requests.map(({ headers }) => headers['x-token']),
      ['s3cret', 's3cret'],
      'also behind a redirect of its own',
    );
    assert.deepEqual(
      other.requests.map(({ headers }) => headers['x-token']),
      [undefined],
    );
  },
);

test('what is not followed, and where secrets are not sent', needs(curl), async (t) => {
  const { server, fails } = await bench(t);
  server.failAlways('/tool', { type: 'redirect', to: '/tool' });
  assert.match(await fails('Refused', { headers: SECRET }), /redirects without end/);
  await fails('Unreachable');
  server.failAlways('/tool', { type: 'redirect', to: 'file:///etc/passwd' });
  assert.match(await fails('Refused', { headers: SECRET }), /leads to a file:\/\/ URL/);
  await fails('Unreachable');
  const plain = { url: 'http://10.255.255.1/tool', headers: SECRET };
  assert.match(await fails('Refused', plain), /credentials are sent over https only/);
  const login = { url: 'http://user:s3cret@10.255.255.1/tool' };
  assert.doesNotMatch(await fails('Refused', login), /s3cret/);
  await fails('Invalid', { url: 'ftp://127.0.0.1/tool' });
});

test('other, fewer, more or no bytes leave what was there', needs(curl), async (t) => {
  const { server, fails, pull } = await bench(t);
  server.failAlways('/tool', { type: 'wrong' });
  assert.match(await fails('ChecksumMismatch'), /nothing was replaced/);
  server.failAlways('/tool', { type: 'short' });
  await fails('ChecksumMismatch');
  server.failAlways('/tool', { type: 'cut', afterBytes: 1000 });
  await fails('Unreachable');
  server.failAlways('/tool', { type: 'endless' });
  await fails('TooLarge', { limitBytes: 1 << 20 });
  server.failAlways('/tool');
  await fails('TooLarge', { limitBytes: 1000 });
  server.failAlways('/tool', { type: 'status', status: 404 });
  assert.match(await fails('Unreachable'), /404/);
  server.failAlways('/tool', { type: 'silent' });
  await fails('Unreachable', { timeoutMs: 1000 });
  server.failAlways('/tool');
  server.fail('/tool', { type: 'status', status: 429, retryAfter: '0' });
  await pull();
});

test('words of an attacker are data: in names, headers and addresses', needs(curl), async (t) => {
  const { server, digest, fails, pull, left } = await bench(t);
  await fails('Unreachable', {
    url: `${server.url}/tool"\noutput = "/opt/evil`,
    sha256: digest,
  });
  const path = '/opt/a b;touch $(id) "x"';
  await pull({ path, headers: { 'x-token': 'a"\noutput = "/tmp/evil"\n' } });
  assert.equal(server.requests.at(-1)?.headers['x-token'], 'a"output = "/tmp/evil"');
  assert.deepEqual(await left(), ['a b;touch $(id) "x"', 'tool']);
});
