// What differs from the goal is found by digest on a folder that stands for a host, and taken away more than once without harm.
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { provision } from '../rootfs/provision.ts';
import { nodeFiles } from '../rootfs/node-files.ts';
import { NODE, openBench } from '../rootfs/rootfs-fixture.ts';
import type { RootFSBench } from '../rootfs/rootfs-fixture.ts';
import { correctDrift } from './correct-drift.ts';
import { findDrift, stagedIn } from './drift.ts';
import type { Drift, DriftInput } from './drift.ts';
import { removeSlot, startSlot } from './run-slot.ts';

const { signal } = new AbortController();
const STAGED = { artifact: 'tool', path: '/opt/tool', digest: `sha256:${'0'.repeat(64)}` };
let bench: RootFSBench;
describe('findDrift() and correctDrift()', () => {
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const place = (path: string): string => join(bench.hostRoot, path);

  async function look(staged = [] as readonly (typeof STAGED)[]): Promise<readonly Drift[]> {
    const { host, goal, goalHash } = bench.context({ node: undefined });
    return findDrift({ host, goal, goalHash, staged, shouldRun: false }, signal);
  }

  test('files are compared by digest and put right in place; a damaged root must be rebuilt', async () => {
    const { host, goal } = bench.context({ node: undefined });
    await provision(bench.context({ node: undefined })).do(signal);
    assert.deepEqual(await look(), []);
    await writeFile(place(goal.nspawnFile), 'x');
    await writeFile(place(`${goal.machineDirectory}/etc/hostname`), 'x');
    const found = await look();
    assert.deepEqual(
      found.map(({ field, class: kind }) => [field, kind]),
      [
        [`file ${goal.nspawnFile}`, 'in-place'],
        [`file ${goal.machineDirectory}/etc/hostname`, 'in-place'],
      ],
    );
    const clock = systemClock;
    assert.deepEqual(await correctDrift(found, { host, slot: goal, clock }, signal), {
      mustRebuild: false,
    });
    assert.match(await readFile(place(goal.nspawnFile), 'utf8'), /VirtualEthernet=no/);
    assert.deepEqual(await look(), []);
    await writeFile(place(`${goal.machineDirectory}/.windlass-rootfs-complete`), '{}');
    const [damaged] = await look();
    assert.equal(damaged?.class, 'rebuild');
  });

  test('files of a node are compared too, what only root may read by its mode as well', async () => {
    const node = { ...NODE, apiServer: 'https://10.0.0.1:6443' };
    const credential = { kind: 'token', token: 'a.b' } as const;
    const context = { ...bench.context({ node }), credential };
    const { host, goal, goalHash } = context;
    await provision(context).do(signal);
    const lookAt = (files: DriftInput['nodeFiles']): Promise<readonly Drift[]> =>
      findDrift({ host, goal, goalHash, staged: [], shouldRun: false, nodeFiles: files }, signal);
    const wanted = nodeFiles(goal, credential);
    assert.deepEqual(await lookAt(wanted), []);
    const secret = place(`${goal.machineDirectory}/var/lib/kubelet/bootstrap-kubeconfig`);
    await chmod(secret, 0o644);
    await writeFile(place(`${goal.machineDirectory}/etc/kubernetes/kubelet.yaml`), 'x');
    const found = await lookAt(wanted);
    assert.deepEqual(
      found.map(({ field, class: kind, unit }) => [
        field.slice(field.lastIndexOf('/')),
        kind,
        unit,
      ]),
      [
        ['/kubelet.yaml', 'in-place', 'kubelet.service'],
        ['/bootstrap-kubeconfig', 'in-place', 'kubelet.service'],
      ],
    );
    await correctDrift(found, { host, slot: goal, clock: systemClock }, signal);
    assert.equal((await stat(secret)).mode & 0o777, 0o600);
    assert.deepEqual(await lookAt(wanted), []);
    const [gone] = await lookAt({ problem: 'the Secret is not there' });
    assert.deepEqual(gone, { field: 'the Secret is not there', class: 'unknown' });
  });

  test('what was staged and is not what it was is found [unbounded-026]', async () => {
    await provision(bench.context({ node: undefined })).do(signal);
    await mkdir(dirname(place(STAGED.path)), { recursive: true });
    await writeFile(place(STAGED.path), 'tampered');
    const [drift] = await look([STAGED]);
    assert.deepEqual(drift, { field: 'artifact tool at /opt/tool', class: 'rebuild' });
  });

  test('a slot is removed with all that is its, and again without harm [unbounded-080]', async () => {
    const { host, goal } = bench.context({ node: undefined });
    await removeSlot(host, goal, signal);
    await provision(bench.context({ node: undefined })).do(signal);
    await startSlot(host, goal, systemClock, signal);
    assert.equal((await host.services.state(goal.unit, signal)).isActive, true);
    await removeSlot(host, goal, signal);
    await removeSlot(host, goal, signal);
    for (const path of [goal.machineDirectory, goal.nspawnFile, goal.serviceOverrideFile])
      assert.equal(await host.stat(path, signal), undefined, path);
    assert.equal((await host.services.state(goal.unit, signal)).isActive, false);
  });

  test('what was staged for the other slot is not missed in this one', () => {
    const { goal } = bench.context({ node: undefined });
    const paths = [
      '/opt/tool.windlass-a',
      '/opt/tool.windlass-b',
      `${goal.machineDirectory}/opt/tool`,
    ];
    const staged = paths.map((path) => ({ ...STAGED, path }));
    assert.deepEqual(
      stagedIn('a', goal, staged).map(({ path }) => path),
      [paths[0], paths[2]],
    );
  });
});
