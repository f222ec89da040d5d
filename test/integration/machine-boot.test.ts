// Machines that really boot: an OCI image, put over SSH onto a host with systemd, runs there under systemd-nspawn as its unit says; looked
// at from inside.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { MachineSpec, MachineStatus } from '#controllers/machine/types.ts';
import { EVENTS, MACHINES, SECRETS } from '#controllers/machinery/resources.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import type { FixtureEntry } from '#controllers/rootfs/image-fixture.ts';
import { archiveOf } from '#controllers/rootfs/release-server-fixture.ts';
import { missingForBootedHost, startBootedHost } from '../support/booted-host.ts';
import type { BootedHost } from '../support/booted-host.ts';
import { eventually } from '../support/eventually.ts';
import { MachineBench } from '../support/machine-bench.ts';
import { needs } from '../support/missing-part.ts';
import { missingForSystemdImage, systemdImage } from '../support/systemd-image.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Bench {
  readonly bench: MachineBench;
  /** An image that has its name in /etc/release. */
  readonly image: (name: string, ...more: readonly FixtureEntry[]) => Promise<string>;
  readonly create: (name: string, spec: MachineSpec) => Promise<unknown>;
  /** What a command says in there, started by the machine's own systemd. */
  readonly inside: (machineName: string, ...command: readonly string[]) => Promise<string>;
  /** Names of the machines that systemd has on its list. */
  readonly running: () => Promise<readonly string[]>;
}

const missing = missingForBootedHost() ?? missingForSystemdImage();
const hooks: (() => Promise<void> | void)[] = [];
let host: BootedHost | undefined;

before(async () => {
  if (missing === undefined)
    host = await startBootedHost({ after: (hook: () => void) => void hooks.push(hook) }, 'host-1');
});

after(async () => {
  for (const hook of hooks) await hook();
});

async function startBench(t: TestContext): Promise<Bench> {
  if (host === undefined) throw new Error('there is no host');
  const { run, privateKey, connection } = host;
  const bench = await MachineBench.start(t);
  const { client, signal } = bench.plane;
  const data = { 'ssh-privatekey': Buffer.from(privateKey).toString('base64') };
  await client.create(SECRETS, 'default', { metadata: { name: 'ssh' }, data }, signal);
  return {
    bench,
    image: (name, ...more) =>
      systemdImage(join(tempDir(), name), [{ name: 'etc/release', text: name }, ...more]),
    // The cgroups of the machine that tests run on may be of the old kind.
    create: (name, spec) =>
      bench.create(name, { connection, preflight: { ignore: ['cgroups', 'disk'] }, ...spec }),
    async inside(machineName, ...command) {
      const flags = ['--machine', machineName, '--quiet', '--pipe', '--wait'];
      return (await run(['systemd-run', ...flags, ...command])).trim();
    },
    async running() {
      const said = await run(['machinectl', 'list', '--no-legend', '--no-pager']);
      return said.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
    },
  };
}

const isSettledOn =
  (version: string, slot: string) =>
  (status: MachineStatus): void => {
    assert.equal(status.run, undefined);
    assert.equal(status.phase, 'Ready');
    assert.equal(status.runningVersion, version);
    assert.equal(status.activeSlot, slot);
  };

/** It went back to the slot before, and will not try that goal again. */
const isBackOn =
  (version: string, slot: string, why: RegExp) =>
  (status: MachineStatus): void => {
    assert.equal(status.run, undefined);
    assert.equal(status.runningVersion, version);
    assert.equal(status.activeSlot, slot);
    assert.ok(status.quarantined?.includes(status.goalHash ?? ''));
    const failed = status.steps?.find(({ state }) => state === 'Failed');
    assert.match(failed?.message ?? '', why);
  };

async function remove(bench: MachineBench, name: string): Promise<void> {
  const { client, signal } = bench.plane;
  await client.delete(MACHINES, 'default', name, {}, signal);
  await eventually(`${name} is gone`, () => assert.rejects(bench.get(name), isNotFound));
}

suite('machines that boot', needs(missing), () => {
  test('from an image: started, stopped, started, upgraded in the other slot, taken away', async (t) => {
    const { bench, image, create, inside, running } = await startBench(t);
    await bench.controllers();
    await create('m1', { version: '1', rootfs: { image: await image('one') } });
    await bench.until('m1', 'runs', isSettledOn('1', 'a'));
    assert.deepEqual(await running(), ['m1-a']);
    assert.equal(await inside('m1-a', 'cat', '/etc/release'), 'one');
    assert.equal(await inside('m1-a', 'cat', '/proc/1/comm'), 'systemd');
    assert.equal(await inside('m1-a', 'hostname'), 'm1');

    await bench.change('m1', { spec: { powerState: 'Stopped' } });
    await bench.until('m1', 'is stopped', (status) => assert.equal(status.phase, 'Stopped'));
    assert.deepEqual(await running(), []);
    await bench.change('m1', { spec: { powerState: 'Running' } });
    await bench.until('m1', 'runs again', isSettledOn('1', 'a'));

    const two = await image('two');
    await bench.change('m1', { spec: { version: '2', rootfs: { image: two } } });
    await bench.until('m1', 'is upgraded', isSettledOn('2', 'b'));
    assert.deepEqual(await running(), ['m1-b']);
    assert.equal(await inside('m1-b', 'cat', '/etc/release'), 'two');
    // After a boot of the host only this one comes back.
    const wants = ['ls', '/etc/systemd/system/machines.target.wants'];
    assert.equal(await host?.run(wants), 'systemd-nspawn@m1-b.service\n');

    await remove(bench, 'm1');
    assert.deepEqual(await running(), []);
    assert.equal(
      await host?.run(['find', '/var/lib/machines', '/etc/systemd/nspawn', '-mindepth', '1']),
      '',
    );
  });

  test('one that does not come up is rolled back unaided to the one before, which boots again', async (t) => {
    const { bench, image, create, inside, running } = await startBench(t);
    await bench.controllers();
    await create('m2', { version: '1', rootfs: { image: await image('good') } });
    await bench.until('m2', 'runs', isSettledOn('1', 'a'));

    // Its init ends at once.
    const ends = await image('ends', {
      name: 'usr/lib/systemd/systemd',
      text: '#!/bin/sh\nexit 3\n',
    });
    await bench.change('m2', { spec: { version: '2', rootfs: { image: ends } } });
    await bench.until(
      'm2',
      'is back',
      isBackOn('1', 'a', /ended when it was started|has failed|ended by itself/),
    );
    assert.deepEqual(await running(), ['m2-a']);
    assert.equal(await inside('m2-a', 'cat', '/etc/release'), 'good');

    // Its init runs, and finds itself in emergency mode.
    const units = 'etc/systemd/system';
    const sick = await image(
      'sick',
      {
        name: `${units}/default.target`,
        type: 'symlink',
        linkname: '/lib/systemd/system/emergency.target',
      },
      {
        name: `${units}/emergency.service`,
        mode: 0o644,
        text: '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 100000\n',
      },
    );
    await bench.change('m2', { spec: { version: '3', rootfs: { image: sick } } });
    await bench.until('m2', 'is back', isBackOn('1', 'a', /rescue or emergency mode/));
    assert.deepEqual(await running(), ['m2-a']);
    assert.equal(await inside('m2-a', 'cat', '/etc/release'), 'good');
    await remove(bench, 'm2');
  });

  test('a node: its units run as they were written, and what it joins with is seen by nobody', async (t) => {
    const { bench, image, create, inside } = await startBench(t);
    await bench.controllers();
    const { client, signal } = bench.plane;
    const token = 'abcdef.0123456789abcdef';
    const data = { token: Buffer.from(token).toString('base64') };
    await client.create(SECRETS, 'default', { metadata: { name: 'join' }, data }, signal);
    await putStandIns(bench);
    await create('w1', {
      version: '1.33.5',
      rootfs: { image: await image('node'), downloads: bench.releases.downloads },
      node: {
        apiServer: `https://127.0.0.1:${bench.plane.port}`,
        credentialSecretRef: { name: 'join' },
        labels: { zone: 'here' },
      },
    });
    await bench.until('w1', 'waits for its node', ({ phase }) => assert.equal(phase, 'Joining'));
    const kubelet = (): Promise<string> => inside('w1-a', 'cat', '/run/kubelet');
    await eventually('the kubelet runs', async () => assert.match(await kubelet(), /hostname/));
    assert.deepEqual((await kubelet()).split('\n'), [
      '--bootstrap-kubeconfig=/var/lib/kubelet/bootstrap-kubeconfig',
      '--kubeconfig=/var/lib/kubelet/kubeconfig',
      '--config=/etc/kubernetes/kubelet.yaml',
      '--hostname-override=w1',
      '--node-labels=zone=here',
    ]);
    assert.equal(await inside('w1-a', 'systemctl', 'is-active', 'containerd'), 'active');
    const secret = '/var/lib/kubelet/bootstrap-kubeconfig';
    assert.equal(await inside('w1-a', 'stat', '-c', '%a %u', secret), '600 0');
    assert.match(await inside('w1-a', 'cat', secret), /abcdef\.0123456789abcdef/);
    await bench.report('w1', true);
    await bench.until('w1', 'is a node', isSettledOn('1.33.5', 'a'));

    // Another token: the file is put right, and the kubelet started anew to read it.
    const before = await inside('w1-a', 'systemctl', 'show', '--property=MainPID', 'kubelet');
    const next = { data: { token: Buffer.from('ghijkl.another').toString('base64') } };
    await client.patch(SECRETS, 'default', 'join', '', 'merge', next, signal);
    await eventually('the kubelet has the new token', async () => {
      assert.match(await inside('w1-a', 'cat', secret), /ghijkl\.another/);
      const now = await inside('w1-a', 'systemctl', 'show', '--property=MainPID', 'kubelet');
      assert.notEqual(now, before);
    });
    const known = JSON.stringify([
      await bench.get('w1'),
      (await client.list(EVENTS, {}, signal)).items,
    ]);
    assert.doesNotMatch(known, /abcdef\.0123|ghijkl/);
    await remove(bench, 'w1');
  });

  test('a controller that is killed at every step of an upgrade finishes it', async (t) => {
    const { bench, image, create, inside, running } = await startBench(t);
    const [one, two] = [await image('one'), await image('two')];
    const goesOnTo = async (step: string): Promise<void> => {
      const child = bench.controllersProcess(t);
      await bench.until('m3', `gets to ${step}`, ({ run, steps, activeSlot }) => {
        const state = steps?.find(({ name }) => name === step)?.state ?? 'Pending';
        // Or it was so quick that it is all done.
        assert.ok(
          (run?.slot === 'b' && state !== 'Pending') || (run === undefined && activeSlot === 'b'),
        );
      });
      child.kill('SIGKILL');
    };
    const stop = await bench.controllers();
    await create('m3', { version: '1', rootfs: { image: one } });
    await bench.until('m3', 'runs', isSettledOn('1', 'a'));
    await stop();
    await bench.change('m3', { spec: { version: '2', rootfs: { image: two } } });
    for (const step of ['Preflight', 'EnsureNSpawnWorkspace', 'Switch', 'Start', 'Verify'])
      await goesOnTo(step);
    bench.controllersProcess(t);
    await bench.until('m3', 'is upgraded', isSettledOn('2', 'b'));
    assert.deepEqual(await running(), ['m3-b']);
    assert.equal(await inside('m3-b', 'cat', '/etc/release'), 'two');
    await remove(bench, 'm3');
  });
});

/** What runs as containerd and kubelet: they do nothing but say how they were started. */
async function putStandIns({ releases }: MachineBench): Promise<void> {
  const stays = 'exec sleep 100000\n';
  releases.put(
    'kubernetes/v1.33.5/bin/linux/amd64/kubelet',
    Buffer.from(`#!/bin/sh\nprintf '%s\\n' "$@" >/run/kubelet\n${stays}`),
  );
  const containerd = `#!/bin/sh\nsystemd-notify --ready\n${stays}`;
  releases.put(
    'containerd/v2.0.4/containerd-2.0.4-linux-amd64.tar.gz',
    await archiveOf(
      ['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => ({
        name: `bin/${name}`,
        text: containerd,
      })),
    ),
  );
}
