// What a Cluster declares for hosts of k0s besides a version: the bytes of the program, files, backups that are kept. Real files and
// processes, and a stand-in of the k0s program.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ClusterSpec } from '#controllers/cluster/types.ts';
import { K0sFleet } from '../support/k0s-fleet.ts';

const FROM = 'v1.30.1+k0s.0';
const TO = 'v1.31.2+k0s.0';

/** A controller and workers, with the program of an Artifact. */
function poolsWith(more: object = {}, workers = ['b']): NonNullable<ClusterSpec['pools']> {
  const template = { artifacts: [{ name: 'k0s' }], ...more };
  return [
    { name: 'cp', role: 'controller', hosts: [{ name: 'a' }], template },
    { name: 'w', role: 'worker', hosts: workers.map((name) => ({ name })), template },
  ];
}

const ALL = ['c-a', 'c-b'];

async function fleetOf(more: object = {}, spec: ClusterSpec = {}): Promise<K0sFleet> {
  const fleet = new K0sFleet({ version: FROM, pools: poolsWith(more), ...spec });
  fleet.held.set('k0s', { version: FROM, text: fleet.program(FROM) });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  fleet.forget();
  return fleet;
}

const programOf = (fleet: K0sFleet, name: string): string =>
  readFileSync(join(fleet.root(name), 'usr/local/bin/k0s'), 'utf8');
const stops = (fleet: K0sFleet, name: string): number =>
  fleet.commands(name).filter((line) => line === 'k0s stop').length;

test('another program of the same version goes to one machine after the other, and the same one to none [k0sctl-073]', async () => {
  const workers = ['c-b', 'c-d', 'c-e'];
  const all = ['c-a', ...workers];
  const pools = poolsWith({}, ['b', 'd', 'e']);
  const fleet = await fleetOf({}, { pools, rollout: { maxUnavailable: 1 } });
  const stopped = (): readonly number[] => all.map((name) => stops(fleet, name));
  await fleet.settle();
  assert.deepEqual(stopped(), [0, 0, 0, 0], 'unchanged');
  const rebuilt = fleet.program(FROM, 'rebuilt');
  fleet.held.set('k0s', { version: FROM, text: rebuilt });
  let most = 0;
  await fleet.settleTogether(() => {
    const isAway = (name: string): boolean =>
      !existsSync(join(fleet.root(name), 'var/lib/k0s/running'));
    most = Math.max(most, workers.filter(isAway).length);
  });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/, fleet.events.join('\n'));
  assert.ok(most <= 1, `${most} workers were away at once`);
  for (const name of all) assert.ok(programOf(fleet, name) === rebuilt, name);
  assert.deepEqual(stopped(), [1, 1, 1, 1]);
  fleet.forget();
  await fleet.settle();
  assert.deepEqual(stopped(), [0, 0, 0, 0], 'settled again');
});

test('an Artifact of another version waits for the version of the Cluster, and then goes', async () => {
  const fleet = await fleetOf();
  fleet.held.set('k0s', { version: TO, text: fleet.program(TO) });
  await fleet.settle();
  for (const name of ALL) assert.equal(stops(fleet, name), 0, name);
  assert.match(fleet.condition('Ready'), /^True/);
  await fleet.change({ version: TO });
  await fleet.settle();
  for (const name of ALL) assert.ok(programOf(fleet, name) === fleet.program(TO), name);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('files of a pool are put on its hosts with the budget, put right in place, and go with it', async () => {
  const path = '/etc/k0s/containerd.d/registry.toml';
  const files = (content: string): object => ({ files: [{ path, content, mode: '0640' }] });
  const fleet = await fleetOf(files('one'));
  const at = (name: string): string => join(fleet.root(name), path);
  for (const name of ALL) assert.equal(readFileSync(at(name), 'utf8'), 'one');
  await fleet.change({ pools: poolsWith(files('two')) });
  await fleet.settle();
  for (const name of ALL) {
    assert.equal(readFileSync(at(name), 'utf8'), 'two');
    assert.equal(stops(fleet, name), 1, name);
  }
  writeFileSync(at('c-b'), 'somebody was here');
  await fleet.settle();
  assert.equal(readFileSync(at('c-b'), 'utf8'), 'two');
  assert.equal(stops(fleet, 'c-b'), 1, 'in place');
  assert.ok(fleet.events.some((event) => event.startsWith(`Drifted file ${path}`)));
  await fleet.change({ pools: poolsWith() });
  await fleet.settle();
  for (const name of ALL) assert.ok(!existsSync(at(name)), name);
  assert.equal(fleet.cluster.status?.ignoredFields?.length ?? 0, 0);
});

test('an Artifact that a file is made of goes where the file does', async () => {
  const path = '/opt/tool';
  const more = { files: [{ path, artifact: { name: 'tool' } }] };
  const fleet = new K0sFleet({ version: FROM, pools: poolsWith(more) });
  fleet.held.set('k0s', { version: FROM, text: fleet.program(FROM) });
  await fleet.settle();
  assert.doesNotMatch(fleet.condition('Ready'), /^True/, 'it waits for the Artifact');
  fleet.held.set('tool', { text: 'tool 1' });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  fleet.held.set('tool', { text: 'tool 2' });
  fleet.forget();
  await fleet.settle();
  for (const name of ALL) {
    assert.equal(readFileSync(join(fleet.root(name), path), 'utf8'), 'tool 2');
    assert.equal(stops(fleet, name), 1, name);
  }
});

test('no more backups stay than are to be kept, whichever version they are of', async () => {
  const fleet = await fleetOf({}, { pools: poolsWith({}, []), rollout: { backupRetention: 2 } });
  const folder = join(fleet.root('c-a'), 'var/backups/k0s');
  const kept = (): readonly string[] => (existsSync(folder) ? readdirSync(folder).toSorted() : []);
  for (const version of [TO, 'v1.31.3+k0s.0', 'v1.31.4+k0s.0']) {
    fleet.held.set('k0s', { version, text: fleet.program(version) });
    await fleet.change({ version });
    await fleet.settle();
  }
  assert.deepEqual(kept(), [TO, 'v1.31.3+k0s.0']);
  for (const version of kept()) assert.equal(readdirSync(join(folder, version)).length, 1);
});
