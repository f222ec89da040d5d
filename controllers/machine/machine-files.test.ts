// Files that a machine declares, on a host that is a real folder: from words, Artifacts and local files, switched with the slots.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { sha256Hex } from '#test/support/artifact-server.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { LocalFiles } from '../artifact/local-files.ts';
import { declaredFiles } from '../binaries/declared-files.ts';
import type { DeclaredFile, FileSpec } from '../binaries/declared-files.ts';
import type { HostArtifact, HostArtifacts } from '../binaries/host-artifact.ts';
import { openBench } from '../rootfs/rootfs-fixture.ts';
import {
  activateFiles,
  changedFiles,
  dropFiles,
  putFilesInRoot,
  removeFiles,
  stageFiles,
} from './machine-files.ts';
import type { MachineFiles } from './machine-files.ts';

const { signal } = new AbortController();
const TOOL = 'the tool, fetched from its URL';

interface Bench {
  readonly machine: MachineFiles;
  readonly local: string;
  readonly resolve: (...specs: readonly FileSpec[]) => Promise<readonly DeclaredFile[]>;
  readonly stage: (slot: 'a' | 'b', ...specs: readonly FileSpec[]) => Promise<void>;
  /** Path below the host's root → mode and content, of all that a switch may touch. */
  readonly shown: (...folders: readonly string[]) => Promise<Readonly<Record<string, string>>>;
  readonly at: (path: string) => string;
}

async function bench(t: TestContext, found: Partial<HostArtifact> = {}): Promise<Bench> {
  const root = await openBench();
  t.after(() => root[Symbol.asyncDispose]());
  const local = tempDir();
  const files = new LocalFiles([local]);
  const artifacts: HostArtifacts = {
    find: async () => ({
      type: 'File',
      digest: `sha256:${sha256Hex(TOOL)}`,
      mode: 0o755,
      installPath: undefined,
      delivery: { by: 'Upload' },
      ...found,
    }),
    async *open() {
      yield Buffer.from(TOOL);
    },
    bring: async () => undefined,
    localFiles: (pattern, inner) => files.findAll(pattern, inner),
  };
  const machine = { host: root.host, name: 'm1' };
  const at = (path: string): string => join(root.hostRoot, path);
  const resolve = async (...specs: readonly FileSpec[]): Promise<readonly DeclaredFile[]> => {
    const all = await declaredFiles(artifacts, 'default', specs, signal);
    assert.ok(!('pending' in all));
    return all;
  };
  return {
    machine,
    local,
    at,
    resolve,
    stage: async (slot, ...specs) => stageFiles(machine, slot, await resolve(...specs), signal),
    async shown(...folders) {
      const lines: [string, string][] = [];
      for (const folder of folders)
        for (const entry of await readdir(at(folder), { recursive: true, withFileTypes: true })) {
          const path = join(entry.parentPath, entry.name);
          const mode = ((await stat(path)).mode & 0o7777).toString(8);
          const content = entry.isFile() ? ` ${await readFile(path, 'utf8')}` : '/';
          lines.push([path.slice(at('/').length), `${mode}${content}`]);
        }
      return Object.fromEntries(lines.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
}

async function someLocalFiles(folder: string): Promise<void> {
  await mkdir(join(folder, 'certs/deep'), { recursive: true });
  await writeFile(join(folder, 'certs/one.pem'), 'one', { mode: 0o600 });
  await writeFile(join(folder, 'certs/two.pem'), 'two', { mode: 0o640 });
  await writeFile(join(folder, 'certs/notes.txt'), 'notes');
  await writeFile(join(folder, 'certs/deep/three.pem'), 'three', { mode: 0o600 });
  await writeFile(join(folder, 'certs/.hidden.pem'), 'hidden');
}

test('declared files land with their modes, in folders made with theirs [k0sctl-060]', async (t) => {
  const { machine, local, at, stage, shown } = await bench(t);
  await someLocalFiles(local);
  await mkdir(at('etc'), { mode: 0o711 });
  await stage(
    'a',
    { path: '/etc/app/main.conf', content: 'inline\n', mode: '0600', directoryMode: '0750' },
    { path: '/etc/app/key.bin', binaryContent: 'AAEC', mode: 256 },
    { path: '/opt/tools/tool', artifact: { name: 'tool' } },
    { path: '/etc/glob', localPath: 'certs/*.pem', directoryMode: '0700' },
    { path: '/etc/folder', localPath: 'certs', mode: '0444' },
    { path: '/etc/named.txt', localPath: 'certs/notes.txt' },
    { path: '/etc/below/', localPath: 'certs/notes.txt' },
  );
  assert.deepEqual(await readdir(at('etc')), [], 'until the switch nothing is touched');
  await activateFiles(machine, 'a', signal);
  const notes = ((await stat(join(local, 'certs/notes.txt'))).mode & 0o777).toString(8);
  assert.deepEqual(await shown('etc', 'opt'), {
    'etc/app': '750/',
    'etc/app/key.bin': '400 \u0000\u0001\u0002',
    'etc/app/main.conf': '600 inline\n',
    'etc/below': '755/',
    'etc/below/notes.txt': `${notes} notes`,
    'etc/folder': '755/',
    'etc/folder/deep': '755/',
    'etc/folder/deep/three.pem': '444 three',
    'etc/folder/notes.txt': '444 notes',
    'etc/folder/one.pem': '444 one',
    'etc/folder/two.pem': '444 two',
    'etc/glob': '700/',
    'etc/glob/one.pem': '600 one',
    'etc/glob/two.pem': '640 two',
    'etc/named.txt': `${notes} notes`,
    'opt/tools': '755/',
    'opt/tools/tool': `755 ${TOOL}`,
  });
  assert.equal((await stat(at('etc'))).mode & 0o777, 0o711, 'folders that are there stay');
  const before = (await stat(at('etc/app/main.conf'), { bigint: true })).ctimeNs;
  await activateFiles(machine, 'a', signal);
  const after = (await stat(at('etc/app/main.conf'), { bigint: true })).ctimeNs;
  assert.equal(after, before, 'what is right is not written again');
});

test('a switch brings the files of its slot and takes those of the other; back again too', async (t) => {
  const { machine, at, stage, shown } = await bench(t);
  await stage('a', { path: '/etc/x/a', content: 'one' }, { path: '/etc/x/gone', content: 'gone' });
  await activateFiles(machine, 'a', signal);
  await writeFile(at('etc/x/theirs'), 'theirs');
  await stage('b', { path: '/etc/x/a', content: 'two' }, { path: '/etc/x/new', content: 'new' });
  await activateFiles(machine, 'b', signal);
  const second = { 'etc/x/a': '644 two', 'etc/x/new': '644 new', 'etc/x/theirs': '644 theirs' };
  assert.deepEqual(await shown('etc/x'), second);
  await activateFiles(machine, 'a', signal);
  await dropFiles(machine, 'b', signal);
  const first = { 'etc/x/a': '644 one', 'etc/x/gone': '644 gone', 'etc/x/theirs': '644 theirs' };
  assert.deepEqual(await shown('etc/x'), first);
  await activateFiles(machine, 'a', signal);
  assert.deepEqual(await shown('etc/x'), first, 'doing it again changes nothing');
  assert.deepEqual(await changedFiles(machine, 'a', signal), []);
  await writeFile(at('etc/x/a'), 'edited');
  assert.deepEqual(await changedFiles(machine, 'a', signal), ['/etc/x/a']);
  // What somebody made of it is not ours to take away.
  await removeFiles(machine, signal);
  assert.deepEqual(await shown('etc/x'), { 'etc/x/a': '644 edited', 'etc/x/theirs': '644 theirs' });
  assert.deepEqual(await readdir(at('var/lib/windlass/files')), []);
});

test('what was interrupted is finished, and damage of what lies ready is no file of the host', async (t) => {
  const { machine, at, stage } = await bench(t);
  const { host } = machine;
  await stage('a', { path: '/etc/a', content: 'one' }, { path: '/etc/b', content: 'two' });
  // Killed in the middle of a switch: one is there, of the other a part.
  await host.putFile('/etc/a', 'one', { signal });
  await host.putFile('/etc/b.windlass-part', 'tw', { signal });
  await activateFiles(machine, 'a', signal);
  assert.deepEqual(await readdir(at('etc')), ['a', 'b']);
  await stage('b', { path: '/etc/a', content: 'three' });
  const [copy = ''] = await readdir(at('var/lib/windlass/files/m1/b'));
  await writeFile(at(`var/lib/windlass/files/m1/b/${copy}`), 'damaged');
  await assert.rejects(activateFiles(machine, 'b', signal), /SHA-256 is .*nothing was replaced/);
  assert.equal(await readFile(at('etc/a'), 'utf8'), 'one');
  assert.deepEqual(await readdir(at('etc')), ['a', 'b'], 'no part is left');
  await mkdir(at('etc/c'));
  await stage('b', { path: '/etc/c', content: 'x' });
  await assert.rejects(activateFiles(machine, 'b', signal), /is a folder .* cannot take its place/);
  await writeFile(at('var/lib/windlass/files/m1/b.json'), '{"files":[{"path":"../x"}]}');
  await assert.rejects(activateFiles(machine, 'b', signal), /is no list of files/);
});

test('owners are names of the host, and in a root those of the root', async (t) => {
  const { machine, at, resolve } = await bench(t);
  const { host } = machine;
  const user = String(process.getuid?.() ?? 0);
  const group = String(process.getgid?.() ?? 0);
  const root = '/var/lib/machines/m1-a';
  await host.putFile(`${root}/etc/passwd`, `root:x:0:0::/:\nme:x:${user}:5::/:\n`, { signal });
  await host.putFile(`${root}/etc/group`, `us:x:${group}:\n`, { signal });
  const spec = { path: '/srv/data/file', content: 'x', owner: { user: 'me', group: 'us' } };
  await putFilesInRoot(host, root, await resolve(spec), signal);
  const found = await stat(at(`${root}/srv/data/file`));
  assert.deepEqual([String(found.uid), String(found.gid)], [user, group]);
  const stranger = await resolve({ ...spec, owner: { user: 'nobody-here' } });
  await assert.rejects(
    putFilesInRoot(host, root, stranger, signal),
    /no nobody-here in \/etc\/passwd/,
  );
  await symlink('/etc', at(`${root}/link`));
  const led = await resolve({ path: '/link/file', content: 'x' });
  await assert.rejects(
    putFilesInRoot(host, root, led, signal),
    /link is a link: nothing is written/,
  );
});

test('an entry needs one source and a plain destination [k0sctl-047]', async (t) => {
  const { local, resolve } = await bench(t);
  await someLocalFiles(local);
  const refused = async (message: RegExp, ...specs: readonly FileSpec[]): Promise<void> =>
    assert.rejects(resolve(...specs), message);
  await refused(/give content, binaryContent, artifact or localPath/, { path: '/x' });
  await refused(/is a folder; name the file/, { path: '/x/', content: '' });
  await refused(/no plain absolute path/, { path: 'x', content: '' });
  await refused(/no plain absolute path/, { path: '/a/../../etc/passwd', content: '' });
  await refused(/is declared twice/, { path: '/x', content: '1' }, { path: '/x', content: '2' });
  for (const mode of ['u+rwx', '0800', 512, -1])
    await refused(/mode .*octal/, { path: '/x', content: '', mode });
  const tar = await bench(t, { type: 'Tar' });
  await assert.rejects(tar.resolve({ path: '/x', artifact: { name: 'a' } }), /is an archive/);
  const theirs = await bench(t, { delivery: { by: 'Existing', paths: ['/x'] } });
  await assert.rejects(theirs.resolve({ path: '/x', artifact: { name: 'a' } }), /have already/);
});

test('local files are those below their folders, and no hidden ones [k0sctl-040, k0sctl-046]', async (t) => {
  const { local, resolve } = await bench(t);
  await someLocalFiles(local);
  await writeFile(join(local, 'top.txt'), 'top');
  const names = async (localPath: string): Promise<readonly string[]> =>
    (await resolve({ path: '/d/', localPath })).map(({ path }) => path);
  assert.deepEqual(await names('certs/**/*.pem'), [
    '/d/deep/three.pem',
    '/d/one.pem',
    '/d/two.pem',
  ]);
  assert.deepEqual(await names('*.txt'), ['/d/top.txt']);
  assert.deepEqual(await names(join(local, 'certs/notes.txt')), ['/d/notes.txt']);
  await assert.rejects(names('none'), /is not in/);
  await assert.rejects(names('certs/*.key'), /there is no such file/);
  for (const outside of [
    '../*',
    'certs/../../*',
    '/etc/*',
    '/*',
    'certs/.hidden.pem',
    '/etc/passwd',
  ])
    await assert.rejects(
      names(outside),
      /leads out|below one folder|is not in|no such file/,
      outside,
    );
  await symlink('/etc', join(local, 'certs/out'));
  await assert.rejects(names('certs/out/*'), /leads out/);
  await symlink('/etc/passwd', join(local, 'certs/out.pem'));
  await assert.rejects(names('certs/*.pem'), /leads out/);
});
