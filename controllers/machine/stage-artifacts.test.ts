// Artifacts of a machine on a host that is a real folder: put beside each other for both slots and swapped by a link, fetched by the
// host itself with a real curl, unpacked, or left where the host has them.
import assert from 'node:assert/strict';
import {
  access,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { systemIds } from '#platform/id.ts';
import { ArtifactServer, sha256Hex } from '#test/support/artifact-server.ts';
import { needs } from '#test/support/missing-part.ts';
import { Slots } from '../hosts/slots.ts';
import { ArtifactError } from '../binaries/artifact-error.ts';
import type { Delivery, HostArtifact, HostArtifacts } from '../binaries/host-artifact.ts';
import { tarOf } from '../rootfs/image-fixture.ts';
import type { FixtureEntry } from '../rootfs/image-fixture.ts';
import { openBench } from '../rootfs/rootfs-fixture.ts';
import type { RootFSBench } from '../rootfs/rootfs-fixture.ts';
import { artifactPaths, artifactPlaces, slotPath } from './artifact-places.ts';
import type { ArtifactPlace } from './artifact-places.ts';
import { activateArtifacts, putArtifacts, removeOwnLink } from './stage-artifacts.ts';
import type { Machine, MachineSpec, StagedArtifact } from './types.ts';

const { signal } = new AbortController();
const PATH = '/usr/local/bin/tool';
const UPLOAD: Delivery = { by: 'Upload' };

const curl = await access('/usr/bin/curl').then(
  () => undefined,
  () => 'needs curl in /usr/bin',
);

interface Staging {
  readonly bench: RootFSBench;
  readonly opened: string[];
  readonly brought: string[];
  readonly content: Map<string, Buffer>;
  readonly add: (bytes: Buffer | string) => string;
  readonly put: (
    place: Partial<ArtifactPlace> & { readonly digest: string },
  ) => Promise<StagedArtifact>;
  readonly read: (path: string) => Promise<string>;
}

async function staging(t: TestContext): Promise<Staging> {
  const bench = await openBench();
  t.after(() => bench[Symbol.asyncDispose]());
  const opened: string[] = [];
  const brought: string[] = [];
  const content = new Map<string, Buffer>();
  const artifacts: HostArtifacts = {
    find: async () => ({ pending: 'nobody asks' }),
    async *open(digest) {
      opened.push(digest);
      yield content.get(digest) ?? Buffer.alloc(0);
    },
    bring: async (_, name) => void brought.push(name),
    localFiles: async () => ({ isSingle: false, files: [] }),
  };
  const workFolder = join(bench.folder, 'staging');
  const downloads = new Slots(0);
  const work = { host: bench.host, artifacts, ids: systemIds, workFolder, downloads };
  return {
    bench,
    opened,
    brought,
    content,
    add(bytes) {
      const digest = `sha256:${sha256Hex(bytes)}`;
      content.set(digest, Buffer.from(bytes));
      return digest;
    },
    async put(place) {
      const [staged] = await putArtifacts(
        work,
        [
          {
            namespace: 'default',
            artifact: 'tool',
            type: 'File',
            mode: 0o755,
            path: PATH,
            target: slotPath(PATH, 'a'),
            delivery: UPLOAD,
            ...place,
          },
        ],
        signal,
      );
      assert.ok(staged);
      return staged;
    },
    read: (path) => readFile(join(bench.hostRoot, path), 'utf8'),
  };
}

const at = (slot: 'a' | 'b') => ({ target: slotPath(PATH, slot) });

test('the other slot keeps its artifact, bad bytes replace nothing, and a link leads to the one in use', async (t) => {
  const { bench, opened, content, add, put, read } = await staging(t);
  const { host } = bench;
  const inUse = (): Promise<string> => read(slotPath(PATH, 'a'));
  const [one, two, three] = [add('one'), add('two'), add('three')];
  content.set(three, Buffer.from('evil'));
  await put({ digest: one, ...at('a') });
  await activateArtifacts(host, [PATH], 'a', signal);
  assert.equal(await readlink(join(bench.hostRoot, PATH)), slotPath(PATH, 'a'));
  await put({ digest: two, ...at('b') });
  await activateArtifacts(host, [PATH], 'b', signal);
  assert.equal(await readlink(join(bench.hostRoot, PATH)), slotPath(PATH, 'b'));
  assert.equal(await inUse(), 'one');
  await assert.rejects(put({ digest: three, ...at('a') }), /SHA-256 is .*untouched/);
  assert.equal(await inUse(), 'one');
  opened.length = 0;
  await put({ digest: one, ...at('a'), mode: 0o700 });
  assert.deepEqual(opened, [], 'what is there is not read again');
  assert.equal((await stat(join(bench.hostRoot, slotPath(PATH, 'a')))).mode & 0o777, 0o700);
});

test('a folder of somebody else is no place for a link', async (t) => {
  const { bench, add, put } = await staging(t);
  await mkdir(join(bench.hostRoot, PATH), { recursive: true });
  await put({ digest: add('one'), ...at('a') });
  await assert.rejects(activateArtifacts(bench.host, [PATH], 'a', signal), /is a folder already/);
});

test('only links of ours are taken away', async (t) => {
  const { bench, add, put } = await staging(t);
  const { host, hostRoot } = bench;
  await put({ digest: add('one'), ...at('a') });
  await activateArtifacts(host, [PATH], 'a', signal);
  await symlink('/opt/theirs', join(hostRoot, 'usr/local/bin/theirs'));
  for (const name of ['tool', 'theirs', 'none'])
    await removeOwnLink(host, `/usr/local/bin/${name}`, signal);
  assert.deepEqual(await readdir(join(hostRoot, 'usr/local/bin')), ['theirs', 'tool.windlass-a']);
});

test('nothing is put into a root through a link of its image', async (t) => {
  const { bench, add, put } = await staging(t);
  const root = '/var/lib/machines/w1-a';
  await mkdir(join(bench.hostRoot, root, 'usr'), { recursive: true });
  await symlink('/etc', join(bench.hostRoot, root, 'usr/local'));
  const place = { digest: add('one'), target: PATH, root };
  await assert.rejects(put(place), /usr\/local is a link: nothing is written through it/);
  const archive = add(await tarOf([{ name: 'x', text: 'x' }]));
  await assert.rejects(put({ ...place, digest: archive, type: 'Tar' }), /is a link/);
});

test('an archive is unpacked as a whole, and the next one takes its place', async (t) => {
  const { bench, opened, add, put, read } = await staging(t);
  const place = { type: 'Tar' as const, target: '/opt/tool', path: '/opt/tool', mode: 0o750 };
  const entries: readonly FixtureEntry[] = [
    { name: './bin/', type: 'directory' },
    { name: './bin/tool', text: 'v1', mode: 0o4755, uid: 1234 },
    { name: 'bin/alias', type: 'symlink', linkname: 'tool' },
    { name: '.wh.kept', text: 'no whiteout' },
  ];
  for (const [version, pack] of [
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    const digest = add(pack(await tarOf([...entries, { name: version, text: '' }])));
    const staged = await put({ ...place, digest });
    assert.deepEqual(staged, {
      artifact: 'tool',
      path: '/opt/tool',
      digest,
      type: 'Tar',
      delivery: 'Upload',
    });
    assert.deepEqual((await readdir(join(bench.hostRoot, 'opt/tool'))).toSorted(), [
      '.wh.kept',
      '.windlass-artifact',
      'bin',
      version,
    ]);
    assert.equal(await read('opt/tool/bin/alias'), 'v1');
    assert.deepEqual(await readdir(join(bench.hostRoot, 'opt')), ['tool'], 'nothing beside it');
    opened.length = 0;
    await put({ ...place, digest });
    assert.deepEqual(opened, [], 'what is there is not unpacked again');
  }
  const { mode } = await stat(join(bench.hostRoot, 'opt/tool'));
  assert.equal(mode & 0o777, 0o750);
  const program = await stat(join(bench.hostRoot, 'opt/tool/bin/tool'));
  assert.equal(program.mode & 0o7777, 0o755, 'nobody becomes root by an archive');
  assert.notEqual(program.uid, 1234);
});

test('an archive that leads elsewhere, or is none, leaves what was there [unbounded-091]', async (t) => {
  const { bench, add, put, read } = await staging(t);
  const place = { type: 'Tar' as const, target: '/opt/tool', path: '/opt/tool' };
  await put({ ...place, digest: add(await tarOf([{ name: 'kept', text: 'good' }])) });
  const hostile: readonly (readonly [RegExp, readonly FixtureEntry[]])[] = [
    [/leads out/, [{ name: '../../etc/passwd', text: 'x' }]],
    [/leads out/, [{ name: 'a', type: 'symlink', linkname: '/etc/passwd' }]],
    [/leads out/, [{ name: 'a/b', type: 'symlink', linkname: '../../etc' }]],
    [
      /leads out/,
      [
        { name: 'a', type: 'symlink', linkname: '../..' },
        { name: 'a/etc/passwd', text: 'x' },
      ],
    ],
    [/not there/, [{ name: 'a', type: 'link', linkname: '/etc/shadow' }]],
    [/is a fifo/, [{ name: 'a', type: 'fifo' }]],
    [/a name of ours/, [{ name: '.windlass-artifact', text: 'x' }]],
  ];
  for (const [message, entries] of hostile)
    await assert.rejects(put({ ...place, digest: add(await tarOf(entries)) }), message);
  const zip = add(Buffer.from('PK\u0003\u0004 and so on'));
  await assert.rejects(put({ ...place, digest: zip }), /packed with zip: give a tar/);
  await assert.rejects(put({ ...place, digest: add('no archive at all'.repeat(100)) }));
  assert.equal(await read('opt/tool/kept'), 'good');
  assert.deepEqual(await readdir(bench.hostRoot), ['opt'], 'nothing anywhere else');
  await mkdir(join(bench.hostRoot, 'srv/theirs'), { recursive: true });
  await writeFile(join(bench.hostRoot, 'srv/theirs/data'), 'precious');
  const digest = add(await tarOf([{ name: 'x', text: '' }]));
  await assert.rejects(
    put({ ...place, digest, target: '/srv/theirs', path: '/srv/theirs' }),
    /was not unpacked by us/,
  );
  assert.equal(await read('srv/theirs/data'), 'precious');
});

async function shell({ hostRoot }: RootFSBench): Promise<void> {
  // A folder has the programs that lie in it. This one has a shell, which finds curl where this machine has it.
  await mkdir(join(hostRoot, 'bin'));
  await writeFile(join(hostRoot, 'bin', 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
}

function pulling(...urls: readonly string[]): Delivery {
  return { by: 'NodePull', sources: urls.map((url) => ({ url, headers: async () => ({}) })) };
}

test(
  'a host fetches by itself, from the first source that has the bytes [k0sctl-067]',
  needs(curl),
  async (t) => {
    const { bench, brought, opened, put, read } = await staging(t);
    await shell(bench);
    const server = await ArtifactServer.start(t);
    const digest = `sha256:${server.publish('/tool', 'the tool')}`;
    server.put('/other/tool', 'other bytes');
    const delivery = pulling(
      `${server.url}/none`,
      `${server.url}/other/tool`,
      `${server.url}/tool`,
    );
    const staged = await put({ digest, delivery, mode: 0o700 });
    assert.equal(staged.delivery, 'NodePull');
    assert.equal(await read(staged.path), 'the tool');
    assert.equal((await stat(join(bench.hostRoot, staged.path))).mode & 0o777, 0o700);
    assert.match(server.requests[0]?.headers['user-agent'] ?? '', /curl/);
    const wrong = { digest: `sha256:${'0'.repeat(64)}`, delivery };
    await assert.rejects(put(wrong), (error: unknown) => {
      assert.ok(error instanceof ArtifactError);
      assert.equal(error.failure, 'ChecksumMismatch');
      return true;
    });
    assert.equal(await read(staged.path), 'the tool', 'what was there is there');
    const names = await readdir(join(bench.hostRoot, 'usr/local/bin'));
    assert.deepEqual(names, ['tool.windlass-a'], 'no part is left');
    assert.deepEqual([...brought, ...opened], [], 'nothing came from here');
  },
);

test('a host that has nothing to fetch with is sent it, and that is told', async (t) => {
  const { brought, add, put, read } = await staging(t);
  const digest = add('the tool');
  const delivery = pulling('https://releases.test/tool');
  const staged = await put({ digest, delivery });
  assert.equal(staged.delivery, 'Upload');
  assert.match(staged.message ?? '', /has no shell to fetch with.*it was sent from here/);
  assert.deepEqual(brought, ['tool']);
  assert.equal(await read(staged.path), 'the tool');
});

test('what the host has stays where it is, or is copied to where it is wanted', async (t) => {
  const { bench, put, read } = await staging(t);
  await mkdir(join(bench.hostRoot, 'usr/bin'), { recursive: true });
  await writeFile(join(bench.hostRoot, 'usr/bin/tool'), 'theirs');
  const digest = `sha256:${sha256Hex('theirs')}`;
  const delivery: Delivery = { by: 'Existing', paths: ['/opt/none', '/usr/bin/tool'] };
  const there = { digest, delivery, path: '/usr/bin/tool', target: '/usr/bin/tool' };
  assert.equal((await put(there)).path, '/usr/bin/tool');
  const copied = await put({ digest, delivery });
  assert.equal(await read(copied.path), 'theirs');
  const other = { delivery, digest: `sha256:${'0'.repeat(64)}` };
  await assert.rejects(put(other), /SHA-256 is .*nothing was replaced/);
  await assert.rejects(put({ ...there, ...other }), /SHA-256 is/);
  assert.equal(await read(copied.path), 'theirs');
  assert.deepEqual(await readdir(join(bench.hostRoot, 'usr/local/bin')), ['tool.windlass-a']);
});

function machineOf(spec: MachineSpec): Machine {
  const metadata = { name: 'm', namespace: 'default', uid: '', resourceVersion: '' };
  return { metadata: { ...metadata, creationTimestamp: '' }, spec };
}

test('where an artifact goes: the machine says, else the Artifact, else where the host has it', async (t) => {
  const { bench } = await staging(t);
  await mkdir(join(bench.hostRoot, 'usr/bin'), { recursive: true });
  await writeFile(join(bench.hostRoot, 'usr/bin/tool'), 'theirs');
  const existing: Delivery = { by: 'Existing', paths: ['/usr/bin/tool'] };
  const artifact = (change: Partial<HostArtifact> = {}): HostArtifact => ({
    type: 'File',
    digest: `sha256:${'1'.repeat(64)}`,
    mode: undefined,
    installPath: undefined,
    delivery: UPLOAD,
    ...change,
  });
  const placed = async (
    found: HostArtifact,
    path: string | undefined,
    isRoot = false,
  ): Promise<readonly string[]> => {
    const artifacts = { find: async () => found } as Partial<HostArtifacts> as HostArtifacts;
    const named = [{ name: 'tool', ...(path === undefined ? {} : { path }) }];
    const spec = { artifacts: named, ...(isRoot ? { rootfs: {} } : {}) };
    const machine = machineOf(spec);
    const options = { host: bench.host, artifacts, slot: 'b', machineDirectory: '/m' } as const;
    const places = await artifactPlaces(machine, options, signal);
    assert.ok(!('pending' in places));
    return places.map(({ path: where, target, root = '', mode }) =>
      [where, root + target, mode.toString(8)].join(' '),
    );
  };
  const installed = artifact({ installPath: '/opt/tool', mode: 0o700 });
  assert.deepEqual(await placed(installed, '/own'), ['/own /own.windlass-b 700']);
  assert.deepEqual(await placed(installed, ''), ['/opt/tool /opt/tool.windlass-b 700']);
  assert.deepEqual(await placed(installed, undefined, true), ['/opt/tool /m/opt/tool 700']);
  const theirs = artifact({ delivery: existing, digest: undefined });
  assert.deepEqual(await placed(theirs, ''), ['/usr/bin/tool /usr/bin/tool 755']);
  assert.deepEqual(await placed(theirs, '/own'), ['/own /own.windlass-b 755']);
  await assert.rejects(
    placed(artifact(), ''),
    /tool has no path, and Artifact tool no installPath/,
  );
  const missing = artifact({ delivery: { by: 'Existing', paths: ['/opt/none'] } });
  await assert.rejects(placed(missing, ''), /no file found on host .* at \/opt\/none/);
  const staged = [{ artifact: 'tool', path: '/opt/tool.windlass-a', digest: '' }];
  const spec = { artifacts: [{ name: 'tool' }, { name: 'own', path: '/own' }] };
  assert.deepEqual(artifactPaths({ ...machineOf(spec), status: { staged } }), [
    '/own',
    '/opt/tool',
  ]);
});
