import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { V1Volume } from '@kubernetes/client-node';
import { StartError } from '../runtimes/runtime.ts';
import { podOf } from './agent-fixture.ts';
import type { References } from './environment.ts';
import { mountsOf, prepareVolumes } from './volumes.ts';

const data = new Map([
  ['a.conf', Buffer.from('alpha')],
  ['b', Buffer.from('beta')],
]);
const references: References = {
  configMaps: new Map([
    ['config', data],
    ['hostile', new Map([['../escape', Buffer.from('x')]])],
  ]),
  secrets: new Map([['secret', new Map([['key', Buffer.from('hidden')]])]]),
};

async function prepared(
  t: TestContext,
  volume: Omit<V1Volume, 'name'>,
  ownerOnlySecrets = true,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-volumes-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pod = podOf({ volumes: [{ name: 'v', ...volume }] });
  const folders = { pod: join(folder, 'pod'), claims: join(folder, 'claims'), ownerOnlySecrets };
  const paths = await prepareVolumes(pod, references, folders, '10.0.0.1');
  return paths.get('v') ?? '';
}

/** `path mode content`, in the order of paths. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.toSorted().map(async (file) => {
      const mode = ((await stat(file)).mode & 0o777).toString(8);
      return `${file.slice(folder.length + 1)} ${mode} ${await readFile(file, 'utf8')}`;
    }),
  );
}

const field = { path: 'name', fieldRef: { fieldPath: 'metadata.name' } };

for (const { title, volume, files } of [
  {
    title: 'a ConfigMap, all keys',
    volume: { configMap: { name: 'config' } },
    files: ['a.conf 644 alpha', 'b 644 beta'],
  },
  {
    title: 'a ConfigMap, its mode',
    volume: { configMap: { name: 'config', defaultMode: 0o755 } },
    files: ['a.conf 755 alpha', 'b 755 beta'],
  },
  {
    title: 'a ConfigMap, keys to paths with modes',
    volume: {
      configMap: { name: 'config', items: [{ key: 'b', path: 'deep/er/b.txt', mode: 0o400 }] },
    },
    files: ['deep/er/b.txt 400 beta'],
  },
  {
    title: 'a ConfigMap that may be missing',
    volume: { configMap: { name: 'none', optional: true } },
    files: [],
  },
  {
    title: 'a key that may be missing',
    volume: { configMap: { name: 'config', optional: true, items: [{ key: 'none', path: 'x' }] } },
    files: [],
  },
  { title: 'a Secret', volume: { secret: { secretName: 'secret' } }, files: ['key 600 hidden'] },
  {
    title: 'a Secret, never readable for others',
    volume: { secret: { secretName: 'secret', defaultMode: 0o644 } },
    files: ['key 600 hidden'],
  },
  { title: 'an empty folder', volume: { emptyDir: {} }, files: [] },
  {
    title: 'fields of the Pod',
    volume: { downwardAPI: { items: [field] } },
    files: ['name 644 web'],
  },
  {
    title: 'several sources',
    volume: {
      projected: {
        sources: [
          { configMap: { name: 'config', items: [{ key: 'b', path: 'b' }] } },
          { secret: { name: 'secret' } },
          { downwardAPI: { items: [field] } },
        ],
      },
    },
    files: ['b 644 beta', 'key 600 hidden', 'name 644 web'],
  },
  {
    title: 'several sources with a mode, a Secret still for its owner only',
    volume: {
      projected: {
        defaultMode: 0o444,
        sources: [
          { secret: { name: 'secret' } },
          { configMap: { name: 'config', items: [{ key: 'b', path: 'b' }] } },
        ],
      },
    },
    files: ['b 444 beta', 'key 400 hidden'],
  },
] as const satisfies readonly { title: string; volume: object; files: readonly string[] }[]) {
  test(`prepareVolumes() lays out ${title}`, async (t) => {
    const folder = await prepared(t, structuredClone(volume) as unknown as Omit<V1Volume, 'name'>);
    assert.deepEqual(await filesBelow(folder), files);
    const secret = files.some((file) => file.endsWith('hidden'));
    const mode = 'emptyDir' in volume ? '777' : secret ? '700' : '755';
    assert.equal(((await stat(folder)).mode & 0o777).toString(8), mode);
  });
}

for (const { title, volume, says } of [
  {
    title: 'a ConfigMap that is missing',
    volume: { configMap: { name: 'none' } },
    says: /volume v: configmap "none" not found/,
  },
  {
    title: 'a Secret that is missing',
    volume: { secret: { secretName: 'none' } },
    says: /volume v: secret "none" not found/,
  },
  {
    title: 'a key that is missing',
    volume: { configMap: { name: 'config', items: [{ key: 'none', path: 'x' }] } },
    says: /key "none"/,
  },
  {
    title: 'a key that leaves the volume',
    volume: { configMap: { name: 'hostile' } },
    says: /"\.\.\/escape" must be relative/,
  },
  {
    title: 'an absolute path',
    volume: { configMap: { name: 'config', items: [{ key: 'b', path: '/etc/passwd' }] } },
    says: /"\/etc\/passwd" must be relative/,
  },
  {
    title: 'a path that leaves the volume',
    volume: { secret: { secretName: 'secret', items: [{ key: 'key', path: 'a/../../b' }] } },
    says: /must not contain "\.\."/,
  },
  {
    title: 'a path that is the volume',
    volume: { configMap: { name: 'config', items: [{ key: 'b', path: '.' }] } },
    says: /must be relative/,
  },
  {
    title: 'a claim that leaves its folder',
    volume: { persistentVolumeClaim: { claimName: '../x' } },
    says: /must be relative/,
  },
  {
    title: 'a host path that is missing',
    volume: { hostPath: { path: '/nonexistent/x', type: 'Directory' } },
    says: /\/nonexistent\/x does not exist/,
  },
  {
    title: 'a host path of another type',
    volume: { hostPath: { path: '/', type: 'File' } },
    says: /is not of type File/,
  },
  {
    title: 'a kind of volume that there is not',
    volume: { nfs: { path: '/', server: 'x' } },
    says: /type nfs is not supported/,
  },
]) {
  test(`prepareVolumes() refuses ${title}`, async (t) => {
    await assert.rejects(prepared(t, volume), (error) => {
      assert.ok(error instanceof StartError);
      assert.equal(error.reason, 'FailedMount');
      assert.match(error.message, says);
      assert.ok(!error.message.includes('hidden'));
      return true;
    });
  });
}

test('prepareVolumes() gives a Secret the mode asked for where containers have users of their own', async (t) => {
  const volume = { secret: { secretName: 'secret', defaultMode: 0o644 } };
  const folder = await prepared(t, volume, false);
  assert.deepEqual(await filesBelow(folder), ['key 644 hidden']);
  assert.equal(((await stat(folder)).mode & 0o777).toString(8), '755');
});

test('prepareVolumes() again takes away what is no longer there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-volumes-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pod = podOf({ volumes: [{ name: 'v', configMap: { name: 'config' } }] });
  const folders = { pod: folder, claims: folder, ownerOnlySecrets: true };
  await prepareVolumes(pod, references, folders, '');
  const fewer = new Map([['b', Buffer.from('new')]]);
  const later = { ...references, configMaps: new Map([['config', fewer]]) };
  await prepareVolumes(pod, later, folders, '');
  assert.deepEqual(await filesBelow(join(folder, 'v')), ['b 644 new']);
});

test('mountsOf() places volumes and parts of them, and nothing outside of them', async (t) => {
  const folder = await prepared(t, { emptyDir: {} });
  const volumes = new Map([['v', folder]]);
  const mounted = (subPath?: string): ReturnType<typeof mountsOf> => {
    const mount = { name: 'v', mountPath: '/data', ...(subPath === undefined ? {} : { subPath }) };
    return mountsOf({ name: 'main', volumeMounts: [mount] }, volumes);
  };
  assert.deepEqual(await mounted(), [
    { containerPath: '/data', readOnly: false, hostPath: folder },
  ]);
  assert.deepEqual(
    (await mounted('part')).map(({ hostPath }) => hostPath),
    [join(folder, 'part')],
  );
  await assert.rejects(mounted('../other'), /must be relative/);
  const other = { name: 'main', volumeMounts: [{ name: 'other', mountPath: '/x' }] };
  await assert.rejects(mountsOf(other, volumes), /no volume of that name/);
});
