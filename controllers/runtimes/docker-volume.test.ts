// Volumes that a Docker Engine keeps. Beside conformance.ts'
import assert from 'node:assert/strict';
import { dockerTests } from './docker-runtime-fixture.ts';
import type { EngineVolume } from './runtime.ts';
import './conformance.ts';

const dockerTest = await dockerTests();

dockerTest('makes a volume with a driver, mounts it, and never changes it', async (context) => {
  const { runtime, run, output, docker, identity, podUID } = context;
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };
  const labels = { team: 'a' };
  const volume: EngineVolume = { name: `data-${podUID}`, driver: 'local', options, labels };
  await runtime.ensureVolume(volume);
  await runtime.ensureVolume(volume);
  const { name } = volume;
  const mounts = [
    { containerPath: '/data', readOnly: false, hostPath: '', engineVolume: { name } },
  ];
  const script =
    'while read dev at type rest; do case $at in /data) echo $type $rest;; esac; done < /proc/mounts';
  const text = await output(await run(`${script}; touch /data/x`, { mounts }));
  assert.match(text, /^tmpfs rw.*size=1024k/);
  const shown = await docker('volume', 'inspect', '-f', '{{json .Labels}}', name);
  assert.equal((JSON.parse(shown) as { team?: string }).team, 'a');
  const readOnly = mounts.map((mount) => ({ ...mount, readOnly: true }));
  const refused = await run('touch /data/y 2>&1 || true', {
    mounts: readOnly,
    identity: identity('reader'),
  });
  assert.match(await output(refused), /Read-only file system/);
  await assert.rejects(
    runtime.ensureVolume({ ...volume, options: { ...options, o: 'size=2m,password=hidden' } }),
    (error: Error) => {
      assert.match(error.message, /another option o than is asked for; its data stays untouched/);
      assert.ok(!error.message.includes('hidden'));
      return true;
    },
  );
  await assert.rejects(
    runtime.ensureVolume({ ...volume, name: `other-${podUID}`, driver: 'no-such-driver' }),
    /no volume driver "no-such-driver"; it has local/,
  );
  for (const { id } of await runtime.list()) {
    await runtime.stop(id, 0);
    await runtime.remove(id);
  }
  assert.equal(await docker('volume', 'ls', '-q'), name, 'it outlives its containers');
  await docker('volume', 'rm', name);
});

dockerTest(
  'mounts a folder of a volume',
  async ({ runtime, run, output, docker, identity, podUID }) => {
    const name = `parts-${podUID}`;
    await runtime.ensureVolume({ name, driver: 'local', options: {}, labels: {} });
    const whole = [
      { containerPath: '/data', readOnly: false, hostPath: '', engineVolume: { name } },
    ];
    const make = 'busybox mkdir /data/part; echo inside > /data/part/file';
    await output(await run(make, { mounts: whole }));
    const engineVolume = { name, subPath: 'part' };
    const part = [{ containerPath: '/part', readOnly: true, hostPath: '', engineVolume }];
    const read = (): ReturnType<typeof run> =>
      run('cat /part/file', { mounts: part, identity: identity('reader') });
    const api = Number((await docker('version', '-f', '{{.Server.APIVersion}}')).split('.')[1]);
    // Older Engines cannot; they must not be given the whole volume instead.
    if (api < 45) await assert.rejects(read(), /folder part of a volume.*takes Docker Engine 26/);
    else assert.equal(await output(await read()), 'inside\n');
    for (const { id } of await runtime.list()) await runtime.remove(id);
    await docker('volume', 'rm', name);
  },
);
