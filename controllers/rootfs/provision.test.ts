// Whole roots on a folder that stands for a host: real files, real HTTP, real tar.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { bootable, writeLayout } from './image-fixture.ts';
import { provision } from './provision.ts';
import { archiveOf, putRelease } from './release-server-fixture.ts';
import { NODE, openBench } from './rootfs-fixture.ts';
import type { RootFSBench } from './rootfs-fixture.ts';
import type { RootFSContext } from './rootfs-context.ts';

const { signal } = new AbortController();
let bench: RootFSBench;
describe('provision()', () => {
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const inRoot = (path: string): string => join(bench.hostRoot, 'var/lib/machines/w1-a', path);
  const run = (context: RootFSContext = bench.context()): Promise<void> =>
    provision(context).do(signal);

  test('a root is made as a whole, and made again it costs nothing', async () => {
    const context = bench.context();
    assert.equal(
      provision(context).name,
      'serial(EnsureNSpawnWorkspace, parallel(DownloadKubeBinaries, DownloadCRIBinaries, DownloadCNIBinaries, ConfigureOS, DisableResolved))',
    );
    await mkdir(join(bench.hostRoot, 'etc'), { recursive: true });
    await writeFile(join(bench.hostRoot, 'etc/resolv.conf'), 'nameserver 10.0.0.2\n');
    await run(context);
    assert.match(await readFile(inRoot('sbin/init'), 'utf8'), /exec sleep/);
    assert.match(await readFile(inRoot('usr/local/bin/kubelet'), 'utf8'), /kubelet 1\.33\.5/);
    assert.equal((await stat(inRoot('usr/local/bin/kubelet'))).mode & 0o777, 0o755);
    assert.deepEqual(await readdir(inRoot('opt/cni/bin')), [
      'bridge',
      'host-local',
      'loopback',
      'portmap',
    ]);
    assert.deepEqual(await readdir(inRoot('usr/local/bin')), [
      'containerd',
      'containerd-shim-runc-v2',
      'containerd-stress',
      'crictl',
      'ctr',
      'kube-proxy',
      'kubectl',
      'kubelet',
      'runc',
    ]);
    assert.equal(await readFile(inRoot('etc/hostname'), 'utf8'), 'w1\n');
    assert.equal(await readFile(inRoot('etc/resolv.conf'), 'utf8'), 'nameserver 10.0.0.2\n');
    assert.equal(
      await readlink(inRoot('etc/systemd/system/systemd-resolved.service')),
      '/dev/null',
    );
    const nspawn = join(bench.hostRoot, 'etc/systemd/nspawn/w1-a.nspawn');
    assert.match(await readFile(nspawn, 'utf8'), /VirtualEthernet=no/);
    const before = await stat(inRoot('etc/hostname'), { bigint: true });
    bench.releases.asked.length = 0;
    await run();
    assert.deepEqual(bench.releases.asked, []);
    assert.equal((await stat(inRoot('etc/hostname'), { bigint: true })).mtimeNs, before.mtimeNs);
    assert.deepEqual(await readdir(join(bench.folder, 'work')), [], 'nothing is left on the way');
  });

  test('what makes a root a node is written with its modes, and only once', async () => {
    const node = { ...NODE, apiServer: 'https://10.0.0.1:6443' };
    const context = {
      ...bench.context({ node }),
      credential: { kind: 'token', token: 'a.b' },
    } as const;
    assert.match(provision(context).name, /DisableResolved, ConfigureNode\)\)$/);
    await run(context);
    const secret = inRoot('var/lib/kubelet/bootstrap-kubeconfig');
    assert.match(await readFile(secret, 'utf8'), /"token": "a\.b"/);
    const before = await stat(secret, { bigint: true });
    assert.equal(Number(before.mode) & 0o777, 0o600);
    const wants = 'etc/systemd/system/multi-user.target.wants';
    assert.equal(await readlink(inRoot(`${wants}/kubelet.service`)), '../kubelet.service');
    assert.equal((await stat(inRoot('etc/kubernetes/manifests'))).isDirectory(), true);
    await run(context);
    assert.equal((await stat(secret, { bigint: true })).mtimeNs, before.mtimeNs);
    // Another way to join: what would count first is taken away.
    await run({ ...context, credential: { kind: 'kubeconfig', kubeconfig: 'clusters: []\n' } });
    await assert.rejects(stat(secret), { code: 'ENOENT' });
    assert.equal((await stat(inRoot('var/lib/kubelet/kubeconfig'))).mode & 0o777, 0o600);
  });

  test('a wrong digest leaves the good binary in place [unbounded-083]', async () => {
    await run();
    await putRelease(bench.releases, '1.33.6');
    bench.releases.tampered.set('kubernetes/v1.33.6/bin/linux/amd64/kubelet', Buffer.from('evil'));
    await assert.rejects(
      run(bench.context({ version: '1.33.6' })),
      /SHA-256 is .*nothing was replaced/,
    );
    assert.match(await readFile(inRoot('usr/local/bin/kubelet'), 'utf8'), /kubelet 1\.33\.5/);
  });

  test('binaries are looked at one by one: an old kubectl beside a new kubelet is replaced [unbounded-084]', async () => {
    await run();
    await writeFile(inRoot('usr/local/bin/kubectl'), 'of another version');
    bench.releases.asked.length = 0;
    await run();
    assert.match(await readFile(inRoot('usr/local/bin/kubectl'), 'utf8'), /kubectl 1\.33\.5/);
    const published = 'GET /kubernetes/v1.33.5/bin/linux/amd64/kubectl.sha256';
    assert.deepEqual(bench.releases.asked, [published], 'its bytes are in the store');
  });

  test('tampered archives are refused before anything is extracted [unbounded-085]', async () => {
    const archives = {
      'containerd/v2.0.4/containerd-2.0.4-linux-amd64.tar.gz': 'usr/local/bin/containerd',
      'runc/v1.1.12/runc.amd64': 'usr/local/bin/runc',
      'cni/v1.5.1/cni-plugins-linux-amd64-v1.5.1.tgz': 'opt/cni/bin/bridge',
      'crictl/v1.33.0/crictl-v1.33.0-linux-amd64.tar.gz': 'usr/local/bin/crictl',
    };
    for (const [path, target] of Object.entries(archives)) {
      await bench[Symbol.asyncDispose]();
      bench = await openBench();
      bench.releases.tampered.set(
        path,
        await archiveOf([{ name: 'bin/containerd', text: 'evil' }]),
      );
      await assert.rejects(run(), /SHA-256 is .*, and should be/, path);
      await assert.rejects(stat(inRoot(target)), { code: 'ENOENT' }, target);
    }
  });

  test('two machines at once, and a third later, fetch each file once', async () => {
    const images = ['a', 'b'].map((slot) => bench.context({ slot: slot as 'a' | 'b' }));
    await Promise.all(images.map((context) => run(context)));
    await run(bench.context({ name: 'w2', node: { ...NODE, name: 'w2' } }));
    const files = bench.releases.asked.filter((line) => !/sha256(sum)?$/.test(line));
    assert.deepEqual(files.toSorted(), [...new Set(files)].toSorted());
    assert.equal(files.length, 7);
  });

  test('a signed list of digests is read, and one that contradicts itself is not', async () => {
    const digest = (name: string): string => createHash('sha256').update(name).digest('hex');
    const signed = (...lines: readonly string[]): Buffer =>
      Buffer.from(
        [
          '-----BEGIN PGP SIGNED MESSAGE-----',
          'Hash: SHA256',
          '',
          ...lines,
          '-----BEGIN PGP SIGNATURE-----',
          '',
          'iQIzBAEBCAAdFiEE',
          '-----END PGP SIGNATURE-----',
          '',
        ].join('\n'),
      );
    const list = (...lines: readonly string[]): void =>
      void bench.releases.tampered.set('runc/v1.1.12/runc.sha256sum', signed(...lines));
    list(`${digest('x')}  runc.amd64`, `${digest('runc')}  runc.amd64`);
    await assert.rejects(run(), /no usable SHA-256 at .*give it in spec\.rootfs\.downloads\.runc/);
    list(`${digest('x')}  runc.arm64`, `${digest('runc')} *runc.amd64`);
    await run();
    assert.equal(await readFile(inRoot('usr/local/bin/runc'), 'utf8'), 'runc');
  });

  test('a digest that the spec gives is the one that counts', async () => {
    const { downloads } = bench.releases;
    const sha256 = '0'.repeat(64);
    const spec = { downloads: { ...downloads, cni: { ...downloads.cni, sha256 } } };
    await assert.rejects(
      run(bench.context({ spec: { image: bench.image, ...spec } })),
      /should be 0000/,
    );
  });

  test('without a published digest nothing is installed', async () => {
    bench.releases.missing.add('cni/v1.5.1/cni-plugins-linux-amd64-v1.5.1.tgz.sha256');
    await assert.rejects(
      run(),
      /there is no SHA-256 at .*give it in spec\.rootfs\.downloads\.cni\.sha256/,
    );
  });

  test('an interrupted root is redone when it is ours to redo, and refused otherwise [unbounded-086]', async () => {
    await mkdir(inRoot('half'), { recursive: true });
    const spec = { image: bench.image, downloads: bench.releases.downloads };
    await assert.rejects(
      run(bench.context({ spec: { ...spec, rebuildPolicy: 'Never' } })),
      /not empty and nothing says that it is complete/,
    );
    assert.deepEqual(await readdir(inRoot('.')), ['half'], 'untouched');
    await run(bench.context({ spec: { ...spec, rebuildPolicy: 'Owned' } }));
    await assert.rejects(stat(inRoot('half')), { code: 'ENOENT' });
    assert.match(await readFile(inRoot('.windlass-rootfs-complete'), 'utf8'), /goal-1/);
  });

  test('the root of another goal is replaced as a whole', async () => {
    await run();
    await writeFile(inRoot('left-over'), 'x');
    await run(bench.context({}, 'goal-2'));
    await assert.rejects(stat(inRoot('left-over')), { code: 'ENOENT' });
  });

  test('archives that lead elsewhere put nothing anywhere [unbounded-091]', async () => {
    const path = 'cni/v1.5.1/cni-plugins-linux-amd64-v1.5.1.tgz';
    const plugins = ['bridge', 'host-local', 'loopback'].map((name) => ({ name, text: name }));
    const evil = [
      { name: '../../etc/passwd', text: 'x' },
      { name: 'lib', type: 'symlink', linkname: '/etc' },
    ] as const;
    for (const entry of evil) {
      bench.releases.put(path, await archiveOf([...plugins, entry]));
      await assert.rejects(run(), /leads out/);
      await assert.rejects(stat(inRoot('opt/cni/bin/bridge')), { code: 'ENOENT' });
    }
  });

  test('nothing is written through a link of an image', async () => {
    const outside = join(bench.folder, 'outside');
    await mkdir(outside);
    await mkdir(join(bench.hostRoot, 'etc'));
    const links = bootable().filter(({ name }) => name !== 'etc/');
    const image = await writeLayout(join(bench.folder, 'linked'), {
      layers: [[...links, { name: 'etc', type: 'symlink', linkname: '/etc' }]],
    });
    await assert.rejects(
      run(bench.context({ spec: { image, downloads: bench.releases.downloads } })),
      /w1-a\/etc is a link: nothing is written through it/,
    );
    await assert.rejects(stat(join(bench.hostRoot, 'etc/hostname')), { code: 'ENOENT' });
    await symlink(outside, join(bench.hostRoot, 'unused'));
  });

  test('an image that no machine boots from is refused, and a root that is no node gets no binaries', async () => {
    const image = await writeLayout(join(bench.folder, 'bare'), {
      layers: [[{ name: 'x', text: '' }]],
    });
    await assert.rejects(run(bench.context({ spec: { image } })), /has no \/sbin\/init/);
    const plain = bench.context({ node: undefined, version: undefined });
    assert.equal(
      provision(plain).name,
      'serial(EnsureNSpawnWorkspace, parallel(ConfigureOS, DisableResolved))',
    );
    bench.releases.asked.length = 0;
    await run(plain);
    assert.deepEqual(bench.releases.asked, []);
    assert.equal(await readFile(inRoot('etc/hostname'), 'utf8'), `${NODE.name}\n`);
  });
});
