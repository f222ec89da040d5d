// Clusters of k0s on hosts that are folders: our controllers, real files and processes, and a stand-in of the k0s program.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { K0sFleet } from '../support/k0s-fleet.ts';
import type { ClusterSpec } from '#controllers/cluster/types.ts';

const FROM = 'v1.30.1+k0s.0';
const TO = 'v1.31.2+k0s.0';

function pools(
  controllers: readonly string[],
  workers: readonly string[],
): NonNullable<ClusterSpec['pools']> {
  const hosts = (names: readonly string[]) => names.map((name) => ({ name }));
  return [
    { name: 'cp', role: 'controller', hosts: hosts(controllers) },
    { name: 'w', role: 'worker', hosts: hosts(workers) },
  ];
}

async function fleetOf(spec: ClusterSpec): Promise<K0sFleet> {
  const fleet = new K0sFleet({ version: FROM, ...spec });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  return fleet;
}

const running = (fleet: K0sFleet): readonly (string | undefined)[] =>
  fleet.machines.map(({ status }) => status?.runningVersion);

test('a cluster is made, upgraded in place and shrunk: tokens are gone, secrets nowhere [k0sctl-055, k0sctl-074]', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b', 'd']) });
  assert.equal(fleet.cluster.status?.endpoint, 'https://c-a:6443');
  assert.deepEqual(fleet.tokens, []);
  for (const name of ['c-b', 'c-d'])
    assert.match(readFileSync(join(fleet.root(name), 'etc/k0s/windlass.token'), 'utf8'), /^# used/);
  fleet.forget();
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO, TO]);
  assert.match(fleet.condition('Ready'), /^True/);
  assert.deepEqual(fleet.commands('c-b'), ['k0s stop', 'k0s install worker --force', 'k0s start']);
  const asked = fleet.commands('c-a').filter((line) => line.includes('c-b'));
  assert.deepEqual(
    asked.map((line) => line.split(' ').slice(2, 4).join(' ')),
    ['annotate node', 'cordon c-b', 'drain c-b', 'uncordon c-b', 'annotate node'],
  );
  assert.match(asked[2] ?? '', /--grace-period=120 --timeout=300s/);
  await fleet.change({ pools: pools(['a'], ['b']) });
  await fleet.settle();
  assert.equal(fleet.machines.length, 2);
  assert.equal(readFileSync(join(fleet.shared, 'reset'), 'utf8'), 'c-d\n');
  assert.ok(!existsSync(join(fleet.shared, 'nodes/c-d')));
  assert.ok(!existsSync(join(fleet.root('c-d'), 'usr/local/bin/k0s')));
  const secrets = readFileSync(join(fleet.shared, 'secrets'), 'utf8').trim().split('\n');
  const said = JSON.stringify([fleet.cluster, fleet.machines, fleet.events]);
  for (const secret of secrets) assert.ok(!said.includes(secret.slice(7)));
});

test('three controllers join in turn, leave their quorum one at a time, and all goes at the end [k0sctl-074]', async () => {
  const fleet = await fleetOf({ pools: pools(['a', 'b', 'd'], []) });
  const members = (): readonly string[] =>
    ['c-a', 'c-b', 'c-d'].filter((name) => existsSync(join(fleet.shared, 'members', name)));
  assert.equal(members().length, 3);
  await fleet.change({ pools: pools(['a'], []) });
  await fleet.settle();
  assert.deepEqual(members(), ['c-a']);
  assert.ok(fleet.commands('c-b').includes('k0s etcd leave'));
  assert.ok(
    fleet.commands('c-b').indexOf('k0s etcd leave') < fleet.commands('c-b').indexOf('k0s reset'),
  );
  await fleet.delete();
  await fleet.settle();
  assert.deepEqual(fleet.machines, []);
  assert.throws(() => fleet.cluster, /gone/);
});

test('a service that is installed, old and stopped is set right without any force [k0sctl-070]', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b']) });
  rmSync(join(fleet.root('c-b'), 'var/lib/k0s/running'));
  writeFileSync(join(fleet.shared, 'nodes/c-b/ready'), 'False\n');
  fleet.forget();
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO]);
  assert.deepEqual(fleet.commands('c-b'), ['k0s install worker --force', 'k0s start']);
  rmSync(join(fleet.root('c-b'), 'var/lib/k0s/running'));
  fleet.forget();
  await fleet.settle();
  assert.deepEqual(fleet.commands('c-b'), ['k0s start']);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('changed flags restart each machine once; other quotes restart none [k0sctl-049, k0sctl-066]', async () => {
  const fleet = await fleetOf({
    pools: pools(['a'], ['b']),
    distributionOptions: { flags: ['--labels="x=1"'] },
  });
  fleet.forget();
  await fleet.change({ distributionOptions: { flags: [`--labels='x=1'`] } });
  await fleet.settle();
  assert.ok(!fleet.commands('c-a').includes('k0s stop'));
  assert.ok(!fleet.commands('c-b').includes('k0s stop'));
  await fleet.change({ distributionOptions: { flags: ['--labels=x=2'] } });
  await fleet.settle();
  for (const name of ['c-a', 'c-b'])
    assert.equal(fleet.commands(name).filter((line) => line === 'k0s stop').length, 1);
  assert.match(fleet.condition('Ready'), /^True/);
  await fleet.change({ distributionOptions: { flags: ['--labels="x=3'] } });
  await fleet.settle();
  assert.match(fleet.condition('RolloutHalted'), /unbalanced quotes/);
  assert.equal(fleet.commands('c-a').filter((line) => line === 'k0s stop').length, 1);
});

test('a drain that its budget does not allow: Fail leaves the node as it was, Force goes on [ksail-086, k0sctl-063]', async () => {
  const fleet = await fleetOf({
    pools: pools(['a'], ['b', 'd']),
    rollout: { drain: { timeout: '10s' } },
  });
  writeFileSync(join(fleet.shared, 'blocked-c-b'), '');
  fleet.forget();
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, FROM, FROM]);
  assert.deepEqual(fleet.commands('c-b'), []);
  assert.ok(!existsSync(join(fleet.shared, 'nodes/c-b/cordoned')));
  assert.match(
    fleet.condition('Degraded'),
    /^True DrainTimeout: c-b: DrainTimeout: .*disruption budget/,
  );
  await fleet.change({
    rollout: { drain: { timeout: '10s', onTimeout: 'Force' }, retryToken: '1' },
  });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO, TO]);
  assert.ok(
    fleet
      .commands('c-a')
      .some((line) => line.includes('drain c-b') && line.includes('--disable-eviction')),
  );
});

test('without drain nodes are changed as they are [k0sctl-050]', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b']) });
  writeFileSync(join(fleet.shared, 'blocked-c-b'), '');
  fleet.forget();
  await fleet.change({ version: TO, rollout: { drain: { enabled: false } } });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO]);
  assert.ok(!fleet.commands('c-a').some((line) => line.includes('drain')));
});

test('a version that does not come up is taken back, and not tried again by itself', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b', 'd']) });
  writeFileSync(join(fleet.shared, `broken-${TO}`), '');
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.deepEqual(running(fleet).slice(2), [FROM]);
  const host = (): string =>
    readFileSync(join(fleet.root('c-b'), 'var/lib/k0s/running'), 'utf8').trim();
  assert.equal(host(), FROM);
  assert.match(fleet.condition('RolloutHalted'), /^True VerifyFailed: .*c-b.*not ready/);
  assert.ok(!existsSync(join(fleet.shared, 'nodes/c-b/cordoned')));
  rmSync(join(fleet.shared, `broken-${TO}`));
  await fleet.change({ rollout: { retryToken: 'now' } });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO, TO]);
});

test('a configuration that k0s refuses changes nothing; a good one is in place [k0sctl-054]', async () => {
  const fleet = await fleetOf({
    pools: pools(['a'], []),
    distributionOptions: { configuration: { spec: { api: 1 } } },
  });
  const file = join(fleet.root('c-a'), 'etc/k0s/k0s.yaml');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { spec: { api: 1 } });
  fleet.forget();
  await fleet.change({ distributionOptions: { configuration: { unheardOf: true } } });
  await fleet.settle();
  assert.match(fleet.condition('RolloutHalted'), /unknown field/);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { spec: { api: 1 } });
  assert.ok(!fleet.commands('c-a').includes('k0s stop'));
});

test('a host that cannot be reached is named, and the others go on [k0sctl-075]', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b', 'd']), rollout: { maxUnavailable: 2 } });
  const binaries = join(fleet.root('c-b'));
  rmSync(binaries, { recursive: true });
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, FROM, TO]);
  assert.match(fleet.condition('Degraded'), /Unreachable.*c-b/);
  mkdirSync(binaries);
});

test('stopped and started again, nothing else is done to the hosts', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b']) });
  fleet.forget();
  await fleet.change({ powerState: 'Stopped' });
  await fleet.settle();
  assert.equal(fleet.cluster.status?.phase, 'stopped');
  assert.deepEqual(fleet.commands('c-b'), ['k0s stop']);
  await fleet.change({ powerState: 'Running' });
  await fleet.settle();
  assert.equal(fleet.cluster.status.phase, 'running');
  assert.deepEqual(fleet.commands('c-b'), ['k0s stop', 'k0s start']);
});

test('controllers are backed up before another version, and nothing is stopped without', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b']) });
  const step = (): string => {
    const machine = fleet.machines.find(({ metadata }) => metadata.name === 'c-a');
    const found = machine?.status?.steps?.find(({ name }) => name === 'Backup');
    return `${found?.state ?? ''} ${found?.message ?? ''}`;
  };
  assert.equal(step(), ' ');
  writeFileSync(join(fleet.shared, 'full-c-a'), '');
  fleet.forget();
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.match(step(), /^Failed .*no space left on device/);
  assert.ok(!fleet.commands('c-a').includes('k0s stop'));
  assert.deepEqual(running(fleet), [FROM, FROM]);
  rmSync(join(fleet.shared, 'full-c-a'));
  await fleet.change({ rollout: { retryToken: '1' } });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO]);
  const [, path = ''] = /^Done (.*)$/.exec(step()) ?? [];
  assert.match(path, /^\/var\/backups\/k0s\/v1\.30\.1\+k0s\.0\/k0s_backup_.*\.tar\.gz$/);
  assert.equal(readFileSync(join(fleet.root('c-a'), path), 'utf8').trim(), FROM);
  const commands = fleet.commands('c-a');
  assert.ok(
    commands.findIndex((line) => line.startsWith('k0s backup')) < commands.indexOf('k0s stop'),
  );
  assert.ok(!existsSync(join(fleet.root('c-b'), 'var/backups')));
  fleet.forget();
  await fleet.change({ version: 'v1.31.3+k0s.0', rollout: { backup: false } });
  await fleet.settle();
  assert.ok(fleet.commands('c-a').includes('k0s stop'));
  assert.ok(!fleet.commands('c-a').some((line) => line.startsWith('k0s backup')));
});

test('a cluster begins with a backup, once, and the others join it', async () => {
  const folder = '/var/backups/k0s/v1.30.1+k0s.0';
  const path = `${folder}/k0s_backup_1.tar.gz`;
  const fleet = new K0sFleet({ version: FROM, pools: pools(['a'], ['b']), restoreFrom: path });
  await fleet.settle();
  // Where it is not, nothing is begun.
  const said = JSON.stringify(fleet.machines.map(({ status }) => status?.steps));
  assert.match(said, /spec\.restoreFrom: \/var\/backups\/[^ ]* is not on /);
  assert.deepEqual(fleet.commands('c-a'), []);

  mkdirSync(join(fleet.root('c-a'), folder), { recursive: true });
  writeFileSync(join(fleet.root('c-a'), path), 'what was there');
  await fleet.change({ rollout: { retryToken: '1' } });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  const begun = fleet.commands('c-a').filter((line) => / (restore|install|start)\b/.test(line));
  assert.deepEqual(begun, [
    `k0s restore ${path} --config-out=/etc/k0s/k0s.yaml`,
    'k0s install controller --force',
    'k0s start',
  ]);
  const restored = readFileSync(join(fleet.root('c-a'), 'var/lib/k0s/restored'), 'utf8');
  assert.equal(restored, 'what was there');
  assert.ok(!fleet.commands('c-b').some((line) => line.includes('restore')));
  // Left in the spec it does nothing to a cluster that is there.
  fleet.forget();
  await fleet.change({ distributionOptions: { flags: ['--debug'] } });
  await fleet.settle();
  assert.ok(fleet.commands('c-a').includes('k0s start'));
  assert.ok(!fleet.commands('c-a').some((line) => line.includes('restore')));
});

test('what a version broke is undone: all is reset, and begins anew with the backup of the version before', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b', 'd']) });
  await fleet.change({ version: TO });
  await fleet.settle();
  assert.deepEqual(running(fleet), [TO, TO, TO]);
  const folder = `/var/backups/k0s/${FROM}`;
  const [backup = ''] = readdirSync(join(fleet.root('c-a'), folder));
  const path = `${folder}/${backup}`;
  // Not without the reset: nothing goes back by itself.
  await fleet.change({ version: FROM, restoreFrom: path });
  await fleet.settle();
  assert.match(fleet.condition('PlanReady'), /^False Downgrade/);
  assert.deepEqual(running(fleet), [TO, TO, TO]);

  const all = ['c-a', 'c-b', 'c-d'];
  await fleet.change({ version: TO, restoreFrom: null, reset: { machines: all, force: true } });
  await fleet.settle();
  assert.deepEqual(fleet.machines, []);
  for (const name of all) {
    assert.ok(fleet.commands(name).includes('k0s reset'), name);
    assert.ok(!existsSync(join(fleet.root(name), 'usr/local/bin/k0s')), name);
  }
  assert.ok(existsSync(join(fleet.root('c-a'), path)), 'backups stay');

  fleet.forget();
  await fleet.change({ reset: null, version: FROM, restoreFrom: path });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  assert.deepEqual(running(fleet), [FROM, FROM, FROM]);
  assert.equal(readFileSync(join(fleet.root('c-a'), 'var/lib/k0s/restored'), 'utf8').trim(), FROM);
  for (const name of ['c-b', 'c-d'])
    assert.ok(!fleet.commands(name).some((line) => line.includes('restore')), name);
  assert.deepEqual(readdirSync(join(fleet.shared, 'nodes')).toSorted(), ['c-b', 'c-d']);
  fleet.forget();
  await fleet.settle();
  for (const name of all) assert.deepEqual(fleet.commands(name), [], 'settled');
});

test('a downgrade and a change of role are refused before anything is touched [k0sctl-014]', async () => {
  const fleet = await fleetOf({ pools: pools(['a'], ['b']) });
  fleet.forget();
  await fleet.change({ version: 'v1.29.9+k0s.0' });
  await fleet.settle();
  assert.match(fleet.condition('PlanReady'), /^False Downgrade: .*can't perform a downgrade/);
  await fleet.change({ version: FROM, pools: pools(['a', 'b'], []) });
  await fleet.settle();
  assert.match(
    fleet.condition('PlanReady'),
    /^False RoleChange: c-b: role change is not supported/,
  );
  for (const name of ['c-a', 'c-b'])
    assert.ok(!fleet.commands(name).some((line) => /^k0s (stop|install|start|reset)/.test(line)));
});
