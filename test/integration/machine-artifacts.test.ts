// What machines without a root have on their hosts, against the real server: artifacts and declared files on a folder.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Artifact } from '#controllers/artifact/types.ts';
import type { FileSpec } from '#controllers/binaries/declared-files.ts';
import { ARTIFACTS, EVENTS, MACHINES } from '#controllers/machinery/resources.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { archiveOf } from '#controllers/rootfs/release-server-fixture.ts';
import { eventually } from '../support/eventually.ts';
import { isSettledOn, MachineBench } from '../support/machine-bench.ts';

test('artifacts are put onto a host without a root, and replaced by a link that is swapped', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const { client, signal } = bench.plane;
  for (const version of ['1', '2']) {
    bench.releases.put(`tool-${version}`, Buffer.from(`tool ${version}`));
    const sha256 = createHash('sha256').update(`tool ${version}`).digest('hex');
    const sources = [{ url: `${bench.releases.origin}/tool-${version}` }];
    const object = { metadata: { name: `tool-${version}` }, spec: { version, sources, sha256 } };
    await client.create(ARTIFACTS, 'default', object, signal);
  }
  const path = '/usr/local/bin/tool';
  await bench.create('m1', { version: '1', artifacts: [{ name: 'tool-1', path }] });
  await bench.until('m1', 'has the first', isSettledOn('1', 'a'));
  assert.equal(await readlink(join(bench.hostRoot, path)), `${path}.windlass-a`);
  await bench.change('m1', { spec: { version: '2', artifacts: [{ name: 'tool-2', path }] } });
  await bench.until('m1', 'has the second', isSettledOn('2', 'b'));
  assert.equal(await readlink(join(bench.hostRoot, path)), `${path}.windlass-b`);
  assert.equal(await readFile(join(bench.hostRoot, `${path}.windlass-b`), 'utf8'), 'tool 2');
  await writeFile(join(bench.hostRoot, `${path}.windlass-b`), 'somebody was here');
  await bench.until('m1', 'is put right in its other slot', isSettledOn('2', 'a'));
  assert.equal(await readFile(join(bench.hostRoot, `${path}.windlass-a`), 'utf8'), 'tool 2');
});

test('an archive is unpacked where its Artifact says, and stays while a machine names it', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const { client, signal } = bench.plane;
  const archive = await archiveOf([{ name: 'bin/tool', text: 'the tool' }]);
  bench.releases.put('bundle.tgz', archive);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const spec = {
    type: 'Tar',
    sources: [{ url: `${bench.releases.origin}/bundle.tgz` }],
    sha256,
    installPath: '/opt/bundle',
    mode: '0750',
  };
  const create = (name: string, more: object) =>
    client.create<Artifact>(
      ARTIFACTS,
      'default',
      { metadata: { name }, spec: { ...spec, ...more } },
      signal,
    );
  await create('bundle', {});
  await create('pulled', { type: 'File', delivery: 'NodePull', installPath: '/opt/bundle.tgz' });
  const read = (name: string) => client.get<Artifact>(ARTIFACTS, 'default', name, signal);
  await bench.create('m1', { artifacts: [{ name: 'bundle' }, { name: 'pulled' }] });
  const machine = await bench.until('m1', 'has them', (status) => {
    assert.equal(status.phase, 'Ready');
    assert.equal(status.activeSlot, 'a');
  });
  const folder = join(bench.hostRoot, 'opt');
  assert.equal(await readlink(join(folder, 'bundle')), '/opt/bundle.windlass-a');
  assert.equal(await readFile(join(folder, 'bundle.windlass-a/bin/tool'), 'utf8'), 'the tool');
  assert.equal((await stat(join(folder, 'bundle.windlass-a'))).mode & 0o777, 0o750);
  assert.deepEqual(await readFile(join(folder, 'bundle.tgz.windlass-a')), archive);
  // A folder has no shell to fetch with.
  assert.deepEqual(
    machine.status?.staged?.map(({ artifact, type, delivery }) => [artifact, type, delivery]),
    [
      ['bundle', 'Tar', 'Upload'],
      ['pulled', 'File', 'Upload'],
    ],
  );
  assert.match(machine.status.staged[1]?.message ?? '', /was sent from here/);
  await eventually('both say who names them', async () => {
    for (const name of ['bundle', 'pulled'])
      assert.deepEqual((await read(name)).status?.usedBy, ['Machine/m1']);
  });

  await client.delete(ARTIFACTS, 'default', 'bundle', {}, signal);
  await eventually('it is told that it is used', async () => {
    const { items } = await client.list<ApiObject>(EVENTS, { namespace: 'default' }, signal);
    assert.ok(items.some((event) => 'reason' in event && event.reason === 'InUse'));
  });
  assert.notEqual((await read('bundle')).metadata.deletionTimestamp, undefined);
  await bench.change('m1', { spec: { artifacts: [{ name: 'pulled', path: '' }] } });
  await eventually('nobody names it: it goes', () => assert.rejects(read('bundle'), isNotFound));
  await client.delete(MACHINES, 'default', 'm1', {}, signal);
  await eventually('the other is free too', async () => {
    const { status, metadata } = await read('pulled');
    assert.deepEqual([status?.usedBy, metadata.finalizers ?? []], [undefined, []]);
  });
});

test('files that are declared land, follow the spec, and are put right [k0sctl-060]', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const { client, signal } = bench.plane;
  await mkdir(join(bench.files, 'certs'));
  await writeFile(join(bench.files, 'certs', 'ca.pem'), 'ca', { mode: 0o640 });
  bench.releases.put('tool', Buffer.from('tool'));
  const sha256 = createHash('sha256').update('tool').digest('hex');
  const sources = [{ url: `${bench.releases.origin}/tool` }];
  const object = { metadata: { name: 'tool' }, spec: { sources, sha256 } };
  await client.create(ARTIFACTS, 'default', object, signal);
  const at = (path: string): string => join(bench.hostRoot, path);
  const modeOf = async (path: string): Promise<number> => (await stat(at(path))).mode & 0o777;
  const files = [
    { path: '/etc/app/main.conf', content: 'one', mode: '0600', directoryMode: '0750' },
    { path: '/opt/tool', artifact: { name: 'tool' }, mode: '0755' },
    { path: '/etc/certs', localPath: 'certs/*.pem' },
    { path: '/etc/folder/', localPath: 'certs' },
  ];
  await bench.create('m1', { version: '1', files });
  await bench.until('m1', 'has them', isSettledOn('1', 'a'));
  assert.equal(await readFile(at('etc/app/main.conf'), 'utf8'), 'one');
  assert.deepEqual([await modeOf('etc/app'), await modeOf('etc/app/main.conf')], [0o750, 0o600]);
  assert.deepEqual([await modeOf('opt/tool'), await modeOf('etc/certs/ca.pem')], [0o755, 0o640]);
  assert.equal(await readFile(at('etc/folder/ca.pem'), 'utf8'), 'ca');
  const { status } = await client.get<Artifact>(ARTIFACTS, 'default', 'tool', signal);
  assert.deepEqual(status?.usedBy, ['Machine/m1']);

  await writeFile(at('etc/app/main.conf'), 'somebody was here');
  await eventually('it is as declared again', async () =>
    assert.equal(await readFile(at('etc/app/main.conf'), 'utf8'), 'one'),
  );
  const [first] = files;
  await bench.change('m1', { spec: { version: '2', files: [{ ...first, content: 'two' }] } });
  await bench.until('m1', 'has the second', isSettledOn('2', 'b'));
  assert.equal(await readFile(at('etc/app/main.conf'), 'utf8'), 'two');
  assert.deepEqual([await readdir(at('opt')), await readdir(at('etc/certs'))], [[], []]);
  const refused = (file: FileSpec, message: RegExp): Promise<void> =>
    assert.rejects(bench.change('m1', { spec: { files: [file] } }), message);
  await refused({ path: '/x' }, /exactly one of content, binaryContent, artifact, localPath/);
  await refused({ path: '/x/', content: '' }, /path is a folder: name the file/);
  await refused({ path: 'x', content: '' }, /spec\.files\[0\]\.path/);
  await refused({ path: '/x', content: '', mode: 'u+rwx' }, /spec\.files\[0\]\.mode/);

  await client.delete(MACHINES, 'default', 'm1', {}, signal);
  await eventually('it is gone', () => assert.rejects(bench.get('m1'), isNotFound));
  assert.deepEqual(await readdir(at('etc/app')), []);
});

test('what an Artifact or a local file holds becomes another: the machines that name it change, the others do not [k0sctl-073]', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const { client, signal } = bench.plane;
  const at = (path: string): string => join(bench.hostRoot, path);
  await writeFile(join(bench.files, 'tool'), 'tool 1');
  await writeFile(join(bench.files, 'main.conf'), 'one');
  const object = { metadata: { name: 'tool' }, spec: { sources: [{ localPath: 'tool' }] } };
  await client.create(ARTIFACTS, 'default', object, signal);
  await bench.create('m1', { version: '1', artifacts: [{ name: 'tool', path: '/opt/tool' }] });
  const files = [
    { path: '/etc/main.conf', localPath: 'main.conf' },
    { path: '/etc/tool', artifact: { name: 'tool' } },
  ];
  await bench.create('m2', { version: '1', files });
  await bench.create('m3', { version: '1', files: [{ path: '/etc/other', content: 'x' }] });
  for (const name of ['m1', 'm2', 'm3']) await bench.until(name, 'has them', isSettledOn('1', 'a'));
  const third = await bench.until('m3', 'was compared with its goal', ({ conditions = [] }) =>
    assert.equal(conditions.find(({ type }) => type === 'Drifted')?.status, 'False'),
  );

  await writeFile(join(bench.files, 'tool'), 'tool 2');
  await bench.until('m1', 'has the second', isSettledOn('1', 'b'));
  assert.equal(await readlink(at('opt/tool')), '/opt/tool.windlass-b');
  assert.equal(await readFile(at('opt/tool.windlass-b'), 'utf8'), 'tool 2');
  await bench.until('m2', 'has it as a file', isSettledOn('1', 'b'));
  assert.equal(await readFile(at('etc/tool'), 'utf8'), 'tool 2');
  await eventually('it was told', async () => {
    const { items } = await client.list<ApiObject>(EVENTS, { namespace: 'default' }, signal);
    const told = items.filter((event) => 'reason' in event && event.reason === 'ContentChanged');
    const words = told.map((event) => ('message' in event ? String(event.message) : ''));
    assert.ok(
      words.some((text) => /^artifact tool sha256:\w{12} → sha256:\w{12}$/.test(text)),
      words.join(),
    );
  });

  await writeFile(join(bench.files, 'main.conf'), 'two');
  await bench.until('m2', 'has the other file', isSettledOn('1', 'a'));
  assert.equal(await readFile(at('etc/main.conf'), 'utf8'), 'two');
  const settled = await bench.get('m1');
  // The same bytes in another file.
  await writeFile(join(bench.files, 'tool'), 'tool 2');
  const touched = await client.get<Artifact>(ARTIFACTS, 'default', 'tool', signal);
  await client.patch(
    ARTIFACTS,
    'default',
    'tool',
    '',
    'merge',
    { spec: { sources: [{ localPath: './tool' }] } },
    signal,
  );
  await eventually('its Artifact was looked at again', async () => {
    const { status, metadata } = await client.get<Artifact>(ARTIFACTS, 'default', 'tool', signal);
    assert.equal(status?.observedGeneration, metadata.generation);
    assert.notEqual(metadata.generation, touched.metadata.generation);
    assert.equal(status?.digest, touched.status?.digest);
  });
  // By then the machine, which was told of the same change, would have begun.
  await bench.change('m1', { metadata: { annotations: { look: 'again' } } });
  await bench.until('m1', 'is what it was', isSettledOn('1', 'b'));
  assert.equal((await bench.get('m1')).status?.contentHash, settled.status?.contentHash);
  const { resourceVersion } = (await bench.get('m3')).metadata;
  assert.equal(resourceVersion, third.metadata.resourceVersion, 'nobody wrote to it');
});
