// The providers against a real HTTP server and hosts that are folders: real curl, real files.
import assert from 'node:assert/strict';
import { access, chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { needs } from '#test/support/missing-part.ts';
import { LocalDirHost } from '../hosts/local-dir/local-dir-host.ts';
import type { BinaryHost } from './binary-host.ts';
import { BinaryProviders } from './binary-providers.ts';
import { binariesBench, someBytes } from './binaries-fixture.ts';
import type { BinariesBench } from './binaries-fixture.ts';
import { newExisting, reportExisting } from './existing-binary.ts';
import { modeText, parseMode } from './file-mode.ts';
import { newCustomURL, newGitHub } from './pulled-binary.ts';
import { stageBinaries } from './stage-binaries.ts';
import { newLocalFile, newLocalUpload } from './uploaded-binary.ts';

const INSTALL = '/usr/local/bin/k0s';
const OLD = '#!/bin/sh\necho v1.23.0\n';
const NEW = '#!/bin/sh\necho v1.30.1+k0s.0\n';
const VERSION = 'v1.30.1+k0s.0';
const RELEASE = { owner: 'k0sproject', repository: 'k0s', asset: 'k0s-%v-%p%x' };
const PATH = '/k0sproject/k0s/releases/download/v1.30.1+k0s.0/k0s-v1.30.1+k0s.0-amd64';

const curl = await access('/usr/bin/curl').then(
  () => undefined,
  () => 'needs curl in /usr/bin',
);

interface HostBench extends BinariesBench {
  readonly root: string;
  readonly parts: { readonly fetcher: BinariesBench['fetcher']; readonly ids: typeof systemIds };
  host(versions?: { readonly installed?: string; readonly running?: string }): BinaryHost;
}

async function hostBench(t: TestContext): Promise<HostBench> {
  const bench = await binariesBench(t);
  const root = tempDir();
  await mkdir(dirname(join(root, INSTALL)), { recursive: true });
  await writeFile(join(root, INSTALL), OLD);
  await chmod(join(root, INSTALL), 0o755);
  // A folder has the programs that lie in it. This one has a shell, which finds curl where this machine has it.
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin', 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
  const driver = await LocalDirHost.open({ path: root, clock: systemClock, ids: systemIds });
  return {
    ...bench,
    root,
    parts: { fetcher: bench.fetcher, ids: systemIds },
    host: ({ installed, running } = {}) => ({
      driver,
      os: 'linux',
      architecture: 'amd64',
      installPath: INSTALL,
      installedVersion: () => installed,
      runningVersion: () => running,
    }),
  };
}

async function names({ root }: HostBench): Promise<readonly string[]> {
  return readdir(dirname(join(root, INSTALL)));
}

test(
  'a host fetches a release itself, beside what is installed [k0sctl-062]',
  needs(curl),
  async (t) => {
    const bench = await hostBench(t);
    const sha256 = bench.server.publish(PATH, NEW);
    const baseURL = bench.server.url;
    const wanted = { version: VERSION, digest: { sha256 }, release: RELEASE, baseURL };
    const custom = {
      version: VERSION,
      digest: { sha256 },
      url: `${baseURL}/k0sproject/k0s/releases/download/%v/k0s-%v-%p%x`,
    };
    for (const provider of [
      newGitHub(bench.host(), wanted, bench.parts),
      newCustomURL(bench.host(), custom, bench.parts),
    ]) {
      assert.equal(provider.isUpload(), false);
      const path = await provider.stage(bench.signal);
      assert.match(path ?? '', /^\/usr\/local\/bin\/k0s\.tmp\.[0-9a-f]+$/);
      const staged = join(bench.root, path ?? '');
      assert.equal(await readFile(staged, 'utf8'), NEW);
      assert.equal((await stat(staged)).mode & 0o777, 0o755);
      const { stdout } = await bench
        .host()
        .driver.exec(['sh', '-c', `"$HOST_ROOT${path}" version`], { signal: bench.signal });
      assert.equal(stdout, `${VERSION}\n`);
      assert.equal(await readFile(join(bench.root, INSTALL), 'utf8'), OLD);
      await provider.cleanUp(bench.signal);
      assert.deepEqual(await names(bench), ['k0s']);
    }
    assert.match(bench.server.requests[0]?.headers['user-agent'] ?? '', /curl|Wget/);
  },
);

test(
  'other bytes than published leave the installed binary in place, whoever fetches [k0sctl-067]',
  needs(curl),
  async (t) => {
    const bench = await hostBench(t);
    const sha256 = bench.server.publish(PATH, NEW);
    bench.server.failAlways(PATH, { type: 'wrong' });
    const url = `${bench.server.url}${PATH}`;
    const wanted = { version: VERSION, digest: { sha256 }, url };
    for (const provider of [
      newCustomURL(bench.host(), wanted, bench.parts),
      newLocalUpload(bench.host(), wanted, bench.parts),
    ]) {
      await assert.rejects(
        stageBinaries([{ name: 'a', provider }], bench.signal),
        new RegExp(`SHA-256 is [0-9a-f]{64}, and should be ${sha256}`),
      );
      assert.deepEqual(await names(bench), ['k0s']);
      assert.equal(await readFile(join(bench.root, INSTALL), 'utf8'), OLD);
      const { stdout } = await bench
        .host()
        .driver.exec(['sh', '-c', `"$HOST_ROOT${INSTALL}"`], { signal: bench.signal });
      assert.equal(stdout, 'v1.23.0\n');
    }
  },
);

test(
  'headers of a host that fetches itself are in no list of processes, and in no error',
  needs(curl),
  async (t) => {
    const bench = await hostBench(t);
    const sha256 = bench.server.publish(PATH, NEW);
    bench.server.authorization = 'Bearer secret "token"';
    const url = `${bench.server.url}${PATH}?signature=query-secret`;
    const headers = { authorization: 'Bearer secret "token"' };
    const good = newCustomURL(bench.host(), { digest: { sha256 }, url, headers }, bench.parts);
    await good.stage(bench.signal);
    const bad = newCustomURL(bench.host(), { digest: { sha256 }, url }, bench.parts);
    await assert.rejects(bad.stage(bench.signal), (error: Error) => {
      assert.match(error.message, /401/);
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /query-secret|token/);
      return true;
    });
  },
);

test('twenty hosts with one key: one fetch, and every host has the file [k0sctl-069]', async (t) => {
  const bench = await hostBench(t);
  const content = someBytes(200_000);
  const sha256 = bench.server.publish(PATH, content);
  const wanted = { version: VERSION, digest: { sha256 }, url: `${bench.server.url}${PATH}` };
  const hosts = Array.from({ length: 20 }, (_, index) => ({
    name: `host-${index}`,
    provider: newLocalUpload(bench.host({ running: 'v1.29.0' }), wanted, bench.parts),
  }));
  const { staged } = await stageBinaries(hosts, bench.signal);
  assert.equal(bench.server.fetches(PATH), 1);
  assert.equal(new Set(staged.values()).size, 20);
  for (const path of staged.values())
    assert.deepEqual(await readFile(join(bench.root, path ?? '')), content);
});

test('unchanged sources cause no staging, three times over [k0sctl-073]', async (t) => {
  const bench = await hostBench(t);
  const sha256 = bench.server.publish(PATH, OLD);
  const file = join(tempDir(), 'k0s');
  await writeFile(file, OLD);
  const url = `${bench.server.url}${PATH}`;
  const unversioned = { digest: { sha256 }, url };
  const versioned = { version: '1.23.0', ...unversioned };
  const hosts = [
    { name: 'file', provider: newLocalFile(bench.host(), file, bench.parts) },
    { name: 'url', provider: newCustomURL(bench.host(), unversioned, bench.parts) },
    {
      name: 'upload',
      provider: newLocalUpload(bench.host({ installed: 'v1.23.0' }), versioned, bench.parts),
    },
  ];
  for (let round = 0; round < 3; round += 1)
    assert.equal((await stageBinaries(hosts, bench.signal)).staged.size, 0);
  assert.deepEqual(bench.server.requests, []);
  // Other bytes of the same size are another file.
  await writeFile(file, OLD.replace('1.23.0', '1.24.0'));
  const { staged } = await stageBinaries(hosts, bench.signal);
  assert.deepEqual([...staged.keys()], ['file']);
});

test('versions decide where they are known: the running one before the installed', async (t) => {
  const bench = await hostBench(t);
  const wanted = {
    version: VERSION,
    digest: { sha256: 'a'.repeat(64) },
    url: `${bench.server.url}/x`,
  };
  for (const [versions, needs] of [
    [{ running: '1.30.1+k0s.0', installed: 'v1.23.0' }, false],
    [{ running: 'v1.23.0', installed: VERSION }, true],
    [{ installed: VERSION }, false],
    [{ installed: 'v1.23.0' }, true],
    [{}, true],
  ] as const) {
    const provider = newCustomURL(bench.host(versions), wanted, bench.parts);
    assert.equal(await provider.needsUpgrade(bench.signal), needs, JSON.stringify(versions));
  }
});

test('a binary that is there already is reused, with a warning for another version [k0sctl-012]', async (t) => {
  const bench = await hostBench(t);
  const host = bench.host({ installed: '1.23.0', running: '1.23.0' });
  const lines = await reportExisting(host, '1.24.0', bench.signal);
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /reuse \/usr\/local\/bin\/k0s of version 1\.23\.0/);
  assert.match(lines[1] ?? '', /^WARNING: .* 1\.23\.0, and 1\.24\.0 is wanted/);
  assert.equal((await reportExisting(host, 'v1.23.0', bench.signal)).length, 1);
  assert.equal(await newExisting(host).stage(bench.signal), undefined);
  assert.equal(await newExisting(host).needsUpgrade(bench.signal), false);
  const newer = bench.host({ installed: '1.24.0', running: '1.23.0' });
  assert.equal(await newExisting(newer).needsUpgrade(bench.signal), true);
});

test('a binary that should be there and is not is an error [k0sctl-013]', async (t) => {
  const bench = await hostBench(t);
  const host = { ...bench.host(), installPath: '/opt/none' };
  await assert.rejects(reportExisting(host, '1.24.0', bench.signal), /no binary found on host/);
  await assert.rejects(
    newExisting(host).stage(bench.signal),
    /no binary found on host .* at \/opt\/none/,
  );
});

test('a source gets host and specification before it is asked for anything [k0sctl-025]', async (t) => {
  const bench = await hostBench(t);
  const providers = new BinaryProviders(bench.parts);
  const seen: unknown[] = [];
  providers.register('depot', (host, spec) => {
    seen.push('made', host.installPath, spec.version);
    const provider = newExisting(host);
    return {
      ...provider,
      async needsUpgrade() {
        seen.push('asked');
        return true;
      },
    };
  });
  const spec = { source: 'depot', version: VERSION };
  const provider = providers.providerFor('a', bench.host(), spec);
  await stageBinaries([{ name: 'a', provider }], bench.signal);
  assert.deepEqual(seen, ['made', INSTALL, VERSION, 'asked']);
  assert.equal(providers.providerFor('a', bench.host(), spec), provider, 'made once');
  const moved = {
    version: VERSION,
    url: 'https://one.test/k0s',
    digest: { sha256: 'a'.repeat(64) },
  };
  const first = providers.providerFor('b', bench.host(), moved);
  const other = { ...moved, digest: { sha256: 'b'.repeat(64) } };
  assert.notEqual(providers.providerFor('b', bench.host(), other), first, 'of other bytes');
});

test('the provider of a host: its own, then what its specification says, then a registered source', async (t) => {
  const bench = await hostBench(t);
  const providers = new BinaryProviders(bench.parts);
  const host = bench.host();
  const digest = { sha256: 'a'.repeat(64) };
  const own = newExisting(host);
  providers.setProvider('special', own);
  assert.equal(providers.providerFor('special', host, {}), own);
  const pulled = providers.providerFor('a', host, { version: VERSION, release: RELEASE, digest });
  assert.equal(pulled.isUpload(), false);
  assert.equal(
    providers.providerFor('a', host, { version: VERSION, release: RELEASE, digest }),
    pulled,
  );
  const uploaded = providers.providerFor('b', host, {
    version: VERSION,
    release: RELEASE,
    digest,
    upload: true,
  });
  assert.equal(uploaded.isUpload(), true);
  providers.register('depot', () => own);
  assert.equal(providers.providerFor('c', host, { source: 'depot' }), own);
  assert.throws(() => providers.register('depot', () => own), /registered already/);
  for (const [spec, words] of [
    [{ useExisting: true, localPath: '/x' }, /localPath cannot be set/],
    [{ useExisting: true, upload: true }, /upload cannot be true/],
    [{ useExisting: true, url: 'https://x' }, /url cannot be set/],
    [{ source: 'none' }, /there is no source "none"/],
    [{}, /give a source/],
    [{ release: RELEASE, digest }, /version is missing/],
    [{ url: 'https://x' }, /digest is missing/],
  ] as const)
    assert.throws(() => providers.providerFor('d', host, spec), words);
});

test('file modes are octal digits or the number itself [k0sctl-048]', () => {
  assert.equal(modeText(parseMode(0o755)), '0755');
  assert.equal(modeText(parseMode('0755')), '0755');
  assert.equal(parseMode(0), 0);
  for (const bad of ['u+rwx', '0800', 800, -1, 1.5, '', '7777', 'x755'])
    assert.throws(() => parseMode(bad), /give octal digits/, String(bad));
});
