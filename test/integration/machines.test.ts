// Machines on folders that stand for hosts, against the real server: real images, real downloads, real processes.
import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MachineStatus } from '#controllers/machine/types.ts';
import { MACHINES, NODES, PODS } from '#controllers/machinery/resources.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { eventually } from '../support/eventually.ts';
import { processesBelow } from '../support/processes.ts';
import { isSettledOn, MachineBench } from '../support/machine-bench.ts';

function conditionOf(status: MachineStatus, type: string): string | undefined {
  const found = status.conditions?.find((condition) => condition.type === type);
  return found && `${found.status} ${found.reason}`;
}

test('a machine is installed, upgraded in its other slot, watched over and taken away', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const [one, two] = [await bench.image('one'), await bench.image('two')];
  await bench.create('m1', { version: '1', rootfs: { image: one } });
  const first = await bench.until('m1', 'runs', isSettledOn('1', 'a'));
  assert.equal(conditionOf(first.status ?? {}, 'Ready'), 'True Ready');
  assert.equal(conditionOf(first.status ?? {}, 'UpToDate'), 'True UpToDate');
  assert.equal(first.status?.preflight?.status, 'ok');
  assert.ok(
    first.status.steps?.some(({ name, state }) => name === 'ConfigureOS' && state === 'Done'),
  );
  assert.equal(await bench.inRoot('m1-a', 'etc/release'), 'one');
  assert.equal(await bench.isRunning('m1-a'), true);

  await bench.change('m1', { spec: { version: '2', rootfs: { image: two } } });
  const second = await bench.until('m1', 'is upgraded', isSettledOn('2', 'b'));
  assert.deepEqual(second.status?.previous?.slot, 'a');
  assert.equal(await bench.inRoot('m1-b', 'etc/release'), 'two');
  assert.equal(await bench.isRunning('m1-b'), true);
  assert.equal(await bench.isRunning('m1-a'), false);

  // Somebody edits a file, and ends the machine: both are put right, and told.
  await writeFile(join(bench.hostRoot, 'var/lib/machines/m1-b/etc/hostname'), 'other');
  for (const pid of processesBelow(bench.hostRoot)) process.kill(pid, 'SIGKILL');
  await eventually('drift is corrected', async () => {
    assert.equal(await bench.inRoot('m1-b', 'etc/hostname'), 'm1\n');
    assert.equal(await bench.isRunning('m1-b'), true);
  });
  await bench.until('m1', 'does not differ any more', (status) =>
    assert.equal(conditionOf(status, 'Drifted'), 'False InPlace'),
  );

  // Its root is damaged: it is built anew in the other slot.
  await rm(join(bench.hostRoot, 'var/lib/machines/m1-b/.windlass-rootfs-complete'));
  await bench.until('m1', 'is rebuilt', isSettledOn('2', 'a'));
  assert.equal(await bench.inRoot('m1-a', 'etc/release'), 'two');

  await bench.plane.client.delete(MACHINES, 'default', 'm1', {}, bench.plane.signal);
  await eventually('it is gone', () => assert.rejects(bench.get('m1'), isNotFound));
  assert.deepEqual(await readdir(join(bench.hostRoot, 'var/lib/machines')), []);
  assert.deepEqual(await readdir(join(bench.hostRoot, 'etc/systemd/nspawn')), []);
});

test('a machine whose host was never reached is deleted without it', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const path = join(bench.hostRoot, 'no-such-folder');
  const connection = { type: 'LocalDir', localDir: { path } } as const;
  await bench.create('m1', { version: '1', connection });
  await bench.until('m1', 'says why', (status) =>
    assert.equal(conditionOf(status, 'Reachable'), 'False Unreachable'),
  );
  await bench.plane.client.delete(MACHINES, 'default', 'm1', {}, bench.plane.signal);
  await eventually('it is gone', () => assert.rejects(bench.get('m1'), isNotFound));
});

test('an upgrade whose node never gets Ready is rolled back unaided, and tried again only when asked [unbounded-087]', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const image = await bench.image('node');
  const { downloads } = bench.releases;
  await bench.create('w1', {
    version: '1.33.5',
    rootfs: { image, downloads },
    node: { labels: { zone: 'here' } },
    verifyTimeout: '10s',
  });
  await bench.until('w1', 'waits for its node', (status) => assert.equal(status.phase, 'Joining'));
  await bench.report('w1', true);
  const first = await bench.until('w1', 'is a node', isSettledOn('1.33.5', 'a'));
  assert.deepEqual(first.status?.nodeRef, { name: 'w1' });
  await eventually('the node has its labels', async () => {
    const node = await bench.plane.client.get<ApiObject>(NODES, '', 'w1', bench.plane.signal);
    assert.equal(node.metadata.labels?.['zone'], 'here');
  });

  const service = await bench.isRunning('w1-a');
  assert.equal(service, true);
  // An instance of a Global service that would come back at once is left where it is.
  await bench.pinnedPod('w1', 'everywhere');
  await bench.change('w1', { spec: { version: '1.33.6', verifyTimeout: '1s' } });
  const back = await bench.until('w1', 'is rolled back', (status) => {
    assert.equal(status.run, undefined);
    assert.equal(conditionOf(status, 'RolledBack'), 'True RolledBack');
  });
  assert.equal(back.status?.activeSlot, 'a');
  assert.equal(back.status.runningVersion, '1.33.5');
  assert.equal(conditionOf(back.status, 'UpToDate'), 'False Quarantined');
  assert.deepEqual(back.status.quarantined, [back.status.goalHash]);
  assert.equal(await bench.isRunning('w1-a'), true);
  assert.match(await bench.inRoot('w1-a', 'usr/local/bin/kubelet'), /1\.33\.5/);
  const node = await bench.plane.client.get<
    ApiObject & { readonly spec?: { unschedulable?: boolean } }
  >(NODES, '', 'w1', bench.plane.signal);
  assert.equal(node.spec?.unschedulable, undefined);

  await bench.change('w1', {
    metadata: { annotations: { 'windlass.dev/operation': '1-2-3/Retry' } },
    spec: { verifyTimeout: '5m' },
  });
  await bench.until('w1', 'is verified again', (status) =>
    assert.ok(status.steps?.some(({ name, state }) => name === 'Verify' && state === 'Running')),
  );
  await bench.report('w1', true);
  const second = await bench.until('w1', 'is upgraded', isSettledOn('1.33.6', 'b'));
  assert.equal(second.status?.operation?.phase, 'Complete');
  assert.match(await bench.inRoot('w1-b', 'usr/local/bin/kubectl'), /1\.33\.6/);
});

test('a program that ends soon after its start is rolled back to the one that runs', async (t) => {
  const bench = await MachineBench.start(t);
  // Much longer than it runs, whatever else the processors have to do.
  await bench.controllers([], 4_000);
  const good = await bench.image('good');
  await bench.create('m1', { version: '1', rootfs: { image: good } });
  await bench.until('m1', 'runs', isSettledOn('1', 'a'));
  const bad = await bench.image('bad', '#!/bin/sh\nsleep 0.3\nexit 3\n');
  await bench.change('m1', { spec: { version: '2', rootfs: { image: bad } } });
  const back = await bench.until('m1', 'is rolled back', (status) =>
    assert.equal(conditionOf(status, 'RolledBack'), 'True RolledBack'),
  );
  assert.equal(back.status?.runningVersion, '1');
  assert.equal(await bench.isRunning('m1-a'), true);
});

test('checks that fail change nothing, and are all told [unbounded-089]', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const image = await bench.image('node');
  bench.releases.missing.add('kubernetes/v1.33.5/bin/linux/amd64/kubelet');
  bench.releases.missing.add('runc/v1.1.12/runc.amd64');
  const { downloads } = bench.releases;
  await bench.create('w1', { version: '1.33.5', rootfs: { image, downloads }, node: {} });
  const failed = await bench.until('w1', 'fails its checks', (status) =>
    assert.equal(conditionOf(status, 'PreflightPassed'), 'False Failed'),
  );
  const errors = failed.status?.preflight?.checks.filter(({ severity }) => severity === 'error');
  assert.deepEqual(
    errors?.map(({ name }) => name),
    ['kubernetes-artifacts', 'cri-artifacts'],
  );
  assert.deepEqual(await readdir(bench.hostRoot), []);
  bench.releases.missing.clear();
  await bench.until('w1', 'goes on by itself', (status) => assert.equal(status.phase, 'Joining'));
});

test('a drain that budgets hold up gives the node back, and never gets to the switch', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const image = await bench.image('node');
  const { downloads } = bench.releases;
  const { client, signal } = bench.plane;
  await bench.create('w1', {
    version: '1.33.5',
    rootfs: { image, downloads },
    node: {},
    drain: { timeout: '1s' },
  });
  await bench.until('w1', 'waits for its node', (status) => assert.equal(status.phase, 'Joining'));
  await bench.report('w1', true);
  await bench.until('w1', 'is a node', isSettledOn('1.33.5', 'a'));
  const pod = {
    metadata: { name: 'held', finalizers: ['example.org/hold'] },
    spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'x' }] },
  };
  await client.create(PODS, 'default', pod, signal);
  await bench.change('w1', { spec: { version: '1.33.6' } });
  const held = await bench.until('w1', 'gives up its drain', (status) => {
    assert.equal(conditionOf(status, 'Drained'), 'False DrainTimeout');
    assert.equal(status.run, undefined);
  });
  assert.equal(held.status?.activeSlot, 'a');
  assert.equal(held.status.quarantined, undefined);
  const node = await client.get<ApiObject & { readonly spec?: { unschedulable?: boolean } }>(
    NODES,
    '',
    'w1',
    signal,
  );
  assert.equal(node.spec?.unschedulable, undefined);
  await client.patch(
    PODS,
    'default',
    'held',
    '',
    'merge',
    { metadata: { finalizers: null } },
    signal,
  );
});

test('paused, stopped, started, restarted and rolled back; a folder that is not there is told [unbounded-051]', async (t) => {
  const bench = await MachineBench.start(t);
  await bench.controllers();
  const image = await bench.image('one');
  await bench.create('m1', { version: '1', rootfs: { image }, paused: true });
  await bench.until('m1', 'is paused', (status) =>
    assert.equal(conditionOf(status, 'Ready'), 'False Paused'),
  );
  assert.deepEqual(await readdir(bench.hostRoot), []);
  await bench.change('m1', { spec: { paused: false } });
  await bench.until('m1', 'runs', isSettledOn('1', 'a'));
  await bench.change('m1', { spec: { powerState: 'Stopped' } });
  await bench.until('m1', 'is stopped', (status) => assert.equal(status.phase, 'Stopped'));
  assert.equal(await bench.isRunning('m1-a'), false);
  await bench.change('m1', { spec: { powerState: 'Running' } });
  await bench.until('m1', 'runs again', isSettledOn('1', 'a'));
  await eventually('its service runs', async () =>
    assert.equal(await bench.isRunning('m1-a'), true),
  );

  // Operations are over when what they began is.
  const answers = async (id: string, type: string): Promise<string> => {
    const annotations = { 'windlass.dev/operation': `${id}/${type}` };
    await bench.change('m1', { metadata: { annotations } });
    const { status } = await bench.until('m1', `answers ${type}`, ({ operation }) => {
      assert.equal(operation?.uid, id);
      assert.match(operation.phase, /Complete|Failed/);
    });
    return `${status?.operation?.phase}: ${status?.operation?.message}`;
  };
  assert.equal(await answers('1', 'Reboot'), 'Complete: restarted, and ready');
  assert.equal(await bench.isRunning('m1-a'), true);
  await bench.change('m1', { spec: { version: '2' } });
  await bench.until('m1', 'is upgraded', isSettledOn('2', 'b'));
  assert.equal(await answers('2', 'Rollback'), 'Complete: slot a runs again');
  assert.deepEqual([await bench.isRunning('m1-a'), await bench.isRunning('m1-b')], [true, false]);

  const connection = {
    type: 'SSH',
    ssh: {
      address: '127.0.0.1',
      keySecretRef: { name: 'no' },
      hostKey: `SHA256:${'A'.repeat(43)}`,
    },
  } as const;
  await bench.create('m2', { connection, rootfs: { image } });
  await bench.until('m2', 'is refused', (status) => {
    assert.equal(status.phase, 'Failed');
    assert.match(
      status.conditions?.find(({ type }) => type === 'Ready')?.message ?? '',
      /Secret no .*is not there/,
    );
  });
});

test('a controller that is killed again and again in an upgrade finishes it [unbounded-088]', async (t) => {
  const bench = await MachineBench.start(t);
  const [one, two] = [await bench.image('one'), await bench.image('two')];
  await bench.create('m1', { version: '1', rootfs: { image: one } });
  const goesOnTo = async (step: string): Promise<void> => {
    const child = bench.controllersProcess(t);
    await bench.until('m1', `gets to ${step}`, (status) => {
      const found = status.steps?.find(({ name }) => name === step);
      assert.ok(found !== undefined && found.state !== 'Pending');
    });
    child.kill('SIGKILL');
  };
  for (const step of ['RootFS', 'Verify']) await goesOnTo(step);
  const last = bench.controllersProcess(t);
  await bench.until('m1', 'runs', isSettledOn('1', 'a'));
  last.kill('SIGKILL');
  await bench.change('m1', { spec: { version: '2', rootfs: { image: two } } });
  // The steps of the first run are on record until the second begins.
  const begun = bench.controllersProcess(t);
  await bench.until('m1', 'begins', (status) => assert.equal(status.run?.slot, 'b'));
  begun.kill('SIGKILL');
  for (const step of ['EnsureNSpawnWorkspace', 'Switch', 'Verify']) await goesOnTo(step);
  bench.controllersProcess(t);
  await bench.until('m1', 'is upgraded', isSettledOn('2', 'b'));
  assert.equal(await bench.isRunning('m1-b'), true);
  assert.equal(await bench.isRunning('m1-a'), false);
  assert.equal(await bench.inRoot('m1-b', 'etc/release'), 'two');
});
