// Rollouts in simulated time: the real reconciler, machines that take their time and have faults.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DURATIONS, Fleet } from './fleet-fixture.ts';
import type { FleetOptions } from './fleet-fixture.ts';
import type { ClusterSpec } from './types.ts';

/** One place for the state of several servers. */
const SHARED = { flags: ['--persistence', 'nfs:/srv/state'] };

const CONTROLLERS = { name: 'cp', role: 'controller', replicas: 3 } as const;

function workers(replicas: number): NonNullable<ClusterSpec['pools']>[number] {
  return { name: 'w', role: 'worker', replicas };
}

async function fleetOf(spec: Partial<ClusterSpec>, options: FleetOptions = {}): Promise<Fleet> {
  const fleet = new Fleet(
    { distribution: 'Windlass', version: '1.30.0', distributionOptions: SHARED, ...spec },
    options,
  );
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  fleet.forget();
  return fleet;
}

const versions = (fleet: Fleet): readonly string[] =>
  fleet.all.map(({ status }) => status?.runningVersion ?? '');

test('an upgrade brings every node to the version, and the cluster is ready [k0sctl-055]', async () => {
  const fleet = await fleetOf({ pools: [CONTROLLERS, workers(5)] });
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  assert.deepEqual(
    versions(fleet),
    Array.from({ length: 8 }, () => '1.31.0'),
  );
  assert.match(fleet.condition('Ready'), /^True/);
  assert.equal(fleet.cluster.status?.phase, 'running');
  assert.equal(fleet.cluster.status?.version, '1.31.0');
});

test('three controllers and five workers are upgraded with the quorum kept at every write', async () => {
  const fleet = await fleetOf({ pools: [CONTROLLERS, workers(5)] });
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  assert.ok(fleet.samples.length > 50);
  assert.equal(Math.min(...fleet.samples.map(({ controllersServing }) => controllersServing)), 2);
  assert.equal(Math.max(...fleet.samples.map(({ workersAway }) => workersAway.length)), 1);
});

test('a drain that fails keeps its node as it was, siblings finish, nothing new begins [k0sctl-063]', async () => {
  const fleet = await fleetOf(
    { pools: [workers(9)], rollout: { maxUnavailable: 3 } },
    {
      faults: { 'c-w-1': { drain: [true] } },
      durations: (name) => (name === 'c-w-1' ? { ...DURATIONS, drainMs: 1_000 } : DURATIONS),
    },
  );
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  assert.deepEqual(versions(fleet), [
    '1.31.0',
    '1.30.0',
    '1.31.0',
    ...Array.from({ length: 6 }, () => '1.30.0'),
  ]);
  assert.equal(fleet.machine('c-w-1').isCordoned, false);
  assert.equal(fleet.machine('c-w-3').disruptions, 0);
  assert.match(fleet.condition('Degraded'), /^True DrainTimeout: c-w-1/);
  assert.match(fleet.condition('RolloutHalted'), /^True DrainTimeout: 1 failed/);
  await fleet.change({ rollout: { maxUnavailable: 3, retryToken: 'again' } });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  assert.equal(fleet.machine('c-w-0').disruptions, 1);
  assert.equal(fleet.machine('c-w-1').disruptions, 2);
});

test('a share of the workers is away, never more, and it is used [k0sctl-064]', async () => {
  const fleet = await fleetOf({ pools: [workers(20)], rollout: { maxUnavailable: '25%' } });
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  assert.equal(Math.max(...fleet.samples.map(({ workersAway }) => workersAway.length)), 5);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('a slot is given on as soon as one of the window is done [k0sctl-065]', async () => {
  const slow = { ...DURATIONS, switchMs: 600_000 };
  const fleet = await fleetOf(
    { pools: [workers(10)], rollout: { maxUnavailable: 3 } },
    { durations: (name) => (name === 'c-w-0' ? slow : DURATIONS) },
  );
  await fleet.change({ version: '1.31.0' });
  await fleet.settle(
    () => fleet.all.filter(({ status }) => status?.runningVersion === '1.31.0').length === 9,
  );
  assert.equal(fleet.all[0]?.status?.runningVersion, '1.30.0');
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
});

test('changed flags restart each controller exactly once, one after the other [k0sctl-066]', async () => {
  const fleet = await fleetOf({
    distribution: 'K0s',
    version: 'v1.30.1+k0s.0',
    pools: [CONTROLLERS, workers(4)],
  });
  await fleet.change({ distributionOptions: { flags: ['--debug'] } });
  await fleet.settle();
  for (const { metadata } of fleet.all) assert.equal(fleet.machine(metadata.name).disruptions, 1);
  assert.equal(Math.min(...fleet.samples.map(({ controllersServing }) => controllersServing)), 2);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('a controller process that dies in the middle goes on where it was [k0sctl-071]', async () => {
  const fleet = await fleetOf({ pools: [workers(5)] });
  await fleet.change({ version: '1.31.0' });
  const done = (): readonly string[] =>
    fleet.all.flatMap(({ metadata, status }) =>
      status?.runningVersion === '1.31.0' ? [metadata.name] : [],
    );
  await fleet.settle(() => done().length === 2);
  const finished = done();
  fleet.restart();
  await fleet.settle();
  for (const name of finished) assert.equal(fleet.machine(name).disruptions, 1);
  for (const machine of fleet.machines.values()) {
    assert.equal(machine.disruptions, 1);
    assert.equal(machine.isCordoned, false);
  }
  assert.match(fleet.condition('Ready'), /^True/);
});

test('what is done is what was planned, and then nothing is left to plan [k0sctl-072, ksail-085]', async () => {
  const fleet = await fleetOf({ pools: [CONTROLLERS, workers(4)] });
  await fleet.change({ version: '1.31.0', pools: [CONTROLLERS, workers(3)], planOnly: true });
  await fleet.settle();
  const { plan = [], planHash } = fleet.cluster.status ?? {};
  assert.deepEqual(
    plan.map(({ machine, action }) => `${action} ${machine}`),
    [
      ...['c-cp-0', 'c-cp-1', 'c-cp-2', 'c-w-0', 'c-w-1', 'c-w-2'].map((name) => `update ${name}`),
      'delete c-w-3',
    ],
  );
  assert.ok([...fleet.machines.values()].every(({ disruptions }) => disruptions === 0));
  assert.match(fleet.condition('PlanReady'), /^True AwaitingApproval/);
  await fleet.change({ approvedPlanHash: planHash });
  await fleet.settle();
  const executed = fleet.events
    .filter((event) => /^(Updating|Removing)/.test(event))
    .map((event) => /c-[a-z]+-\d/.exec(event)?.[0]);
  assert.deepEqual(new Set(executed), new Set(plan.map(({ machine }) => machine)));
  assert.equal(executed.length, plan.length);
  assert.deepEqual(fleet.cluster.status?.plan, []);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('an approved plan stops when the world changed, and asks again', async () => {
  const fleet = await fleetOf({ pools: [workers(4)] });
  await fleet.change({ version: '1.31.0', planOnly: true });
  await fleet.settle();
  const approvedPlanHash = fleet.cluster.status?.planHash;
  await fleet.change({ approvedPlanHash });
  await fleet.settle(() => fleet.machines.get('c-w-0')?.disruptions === 1);
  await fleet.change({ pools: [workers(5)] });
  await fleet.settle();
  assert.match(fleet.condition('PlanReady'), /^False PlanChanged: create of c-w-4/);
  assert.equal(versions(fleet).filter((version) => version === '1.31.0').length, 1);
  await fleet.change({ approvedPlanHash: fleet.cluster.status?.planHash });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  assert.equal(fleet.all.length, 5);
  await fleet.change({ version: '1.32.0' });
  await fleet.settle();
  assert.match(fleet.condition('PlanReady'), /^True AwaitingApproval/);
  assert.ok(!versions(fleet).includes('1.32.0'));
});

test('a worker that no pool names is emptied, reset and gone; a controller too, with the quorum kept [k0sctl-074]', async () => {
  const fleet = await fleetOf({ pools: [{ ...CONTROLLERS, replicas: 5 }, workers(5)] });
  const gone = fleet.machine('c-w-4');
  await fleet.change({ pools: [CONTROLLERS, workers(4)] });
  await fleet.settle();
  assert.deepEqual(
    fleet.all.map(({ metadata }) => metadata.name),
    ['c-cp-0', 'c-cp-1', 'c-cp-2', 'c-w-0', 'c-w-1', 'c-w-2', 'c-w-3'],
  );
  assert.equal(gone.disruptions, 1);
  for (const { controllers, controllersServing } of fleet.samples)
    assert.ok(controllersServing >= Math.floor(controllers / 2) + 1);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('without prune what no pool names stays', async () => {
  const fleet = await fleetOf({ pools: [workers(3)] });
  await fleet.change({ pools: [workers(2)], prune: false });
  await fleet.settle();
  assert.equal(fleet.all.length, 3);
  assert.deepEqual(fleet.cluster.status?.plan, []);
});

test('a machine that is not reachable takes its share of the budget and no more [k0sctl-075]', async () => {
  const fleet = await fleetOf({ pools: [workers(10)], rollout: { maxUnavailable: 1 } });
  fleet.machine('c-w-3').isDown = true;
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  assert.ok(!versions(fleet).includes('1.31.0'));
  assert.match(fleet.condition('Degraded'), /^True Unreachable: .*c-w-3/);
  assert.match(fleet.condition('Progressing'), /^False.*WaitingForBudget/);
  await fleet.change({ rollout: { maxUnavailable: 2 } });
  await fleet.settle();
  assert.equal(versions(fleet).filter((version) => version === '1.31.0').length, 9);
  assert.ok(fleet.samples.every(({ workersAway }) => workersAway.length <= 2));
  fleet.machine('c-w-3').isDown = false;
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  assert.deepEqual(new Set(versions(fleet)), new Set(['1.31.0']));
});

test('with more failures than allowed nothing new begins; with fewer it goes on', async () => {
  const faults = { 'c-w-0': { start: [true] }, 'c-w-2': { start: [true] } };
  const fleet = await fleetOf({ pools: [workers(6)], rollout: { maxFailures: 1 } }, { faults });
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  assert.deepEqual(versions(fleet), ['1.30.0', '1.31.0', '1.30.0', '1.30.0', '1.30.0', '1.30.0']);
  assert.match(fleet.condition('RolloutHalted'), /^True StartFailed: 2 failed/);
  assert.deepEqual(
    fleet.cluster.status?.rollout?.failed.map(({ machine }) => machine),
    ['c-w-0', 'c-w-2'],
  );
});

test('pauseAfter waits after so many machines, across a restart, until it is raised', async () => {
  const fleet = await fleetOf({
    pools: [workers(5)],
    rollout: { pauseAfter: 2, maxUnavailable: 3 },
  });
  await fleet.change({ version: '1.31.0' });
  await fleet.settle();
  fleet.restart();
  await fleet.settle();
  assert.equal(versions(fleet).filter((version) => version === '1.31.0').length, 2);
  assert.match(fleet.condition('Progressing'), /^False PausedAfter/);
  await fleet.change({ rollout: { pauseAfter: null } });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
});

test('a paused rollout finishes what was begun and begins nothing', async () => {
  const fleet = await fleetOf({ pools: [workers(5)] });
  await fleet.change({ version: '1.31.0' });
  await fleet.settle(() => fleet.machines.get('c-w-0')?.disruptions === 1);
  await fleet.change({ rollout: { paused: true } });
  await fleet.settle();
  assert.deepEqual(versions(fleet), ['1.31.0', '1.30.0', '1.30.0', '1.30.0', '1.30.0']);
  await fleet.change({ rollout: { paused: false } });
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
});

test('stop remembers exactly what ran, and start brings back exactly that', async () => {
  const fleet = await fleetOf({ pools: [CONTROLLERS, workers(3)] });
  await fleet.switchMachine('c-w-1', 'Stopped');
  await fleet.settle();
  await fleet.change({ powerState: 'Stopped' });
  await fleet.settle();
  assert.equal(fleet.cluster.status?.phase, 'stopped');
  assert.deepEqual(fleet.cluster.status?.powerSnapshot?.machines, [
    'c-cp-0',
    'c-cp-1',
    'c-cp-2',
    'c-w-0',
    'c-w-2',
  ]);
  fleet.restart();
  await fleet.settle();
  assert.equal(fleet.cluster.status?.powerSnapshot?.machines.length, 5);
  await fleet.change({ powerState: 'Running' });
  await fleet.settle();
  assert.deepEqual(
    fleet.all.map(({ status }) => status?.phase),
    ['Ready', 'Ready', 'Ready', 'Ready', 'Stopped', 'Ready'],
  );
  assert.equal(fleet.cluster.status?.powerSnapshot, undefined);
});

test('a machine that does not come back is named, and the snapshot stays [ksail-084]', async () => {
  const fleet = await fleetOf({ pools: [workers(3)] });
  await fleet.change({ powerState: 'Stopped' });
  await fleet.settle();
  fleet.machine('c-w-1').isDown = true;
  await fleet.change({ powerState: 'Running' });
  await fleet.settle();
  const { phase, nodesReady, nodesTotal, powerSnapshot } = fleet.cluster.status ?? {};
  assert.deepEqual([phase, nodesReady, nodesTotal], ['degraded', 2, 3]);
  assert.equal(powerSnapshot?.machines.length, 3);
  assert.match(fleet.condition('Degraded'), /c-w-1/);
  const before = [fleet.machine('c-w-0').disruptions, fleet.machine('c-w-2').disruptions];
  fleet.machine('c-w-1').isDown = false;
  await fleet.settle();
  assert.equal(fleet.cluster.status?.phase, 'running');
  assert.equal(fleet.cluster.status.powerSnapshot, undefined);
  assert.deepEqual(
    [fleet.machine('c-w-0').disruptions, fleet.machine('c-w-2').disruptions],
    before,
  );
});

test('one slow machine does not keep the others from starting [ksail-083]', async () => {
  const fleet = await fleetOf(
    { pools: [workers(10)] },
    { durations: (name) => (name === 'c-w-1' ? { ...DURATIONS, powerMs: 29_000 } : DURATIONS) },
  );
  await fleet.change({ powerState: 'Stopped' });
  await fleet.settle();
  await fleet.change({ powerState: 'Running' });
  const begun = fleet.now;
  await fleet.settle(
    () => fleet.all.filter(({ status }) => status?.phase === 'Ready').length === 9,
  );
  assert.equal(fleet.now - begun, DURATIONS.powerMs);
  await fleet.settle();
  assert.equal(fleet.now - begun, 29_000);
});

test('delete waits for workers, then controllers, then the infrastructure, and goes last [ksail-087]', async () => {
  let refusals = 1;
  const removed: string[] = [];
  const fleet = await fleetOf(
    { pools: [CONTROLLERS, workers(2)] },
    {
      options: {
        infrastructure: {
          removeAll: () => {
            removed.push('asked');
            refusals -= 1;
            return Promise.resolve(refusals >= 0 ? ['network c: in use'] : []);
          },
        },
      },
    },
  );
  await fleet.delete();
  await fleet.settle(() => fleet.cluster.status?.nodesTotal === 3);
  assert.ok(fleet.all.every(({ spec }) => spec.role === 'controller'));
  await fleet.settle(() => fleet.all.length === 0 && removed.length === 1);
  assert.match(fleet.condition('Ready'), /^False DeletionFailed: .*network c: in use/);
  await fleet.settle();
  assert.ok(fleet.isGone);
});

test('a Machine of another cluster is neither adopted nor deleted', async () => {
  const fleet = new Fleet({ version: '1.30.0', pools: [workers(2)] });
  fleet.addForeignMachine('c-w-1');
  await fleet.settle();
  assert.match(fleet.condition('PlanReady'), /^False NotOwned: Machine c-w-1/);
  await fleet.delete();
  await fleet.settle();
  assert.deepEqual(
    fleet.all.map(({ metadata }) => metadata.name),
    ['c-w-1'],
  );
});

test('fields that nothing acts on are named [ksail-085]', async () => {
  const fleet = await fleetOf({
    pools: [{ ...workers(1), template: { version: '9', madeUp: true, preflight: {} } }],
    approvedPlanHash: 'x',
  });
  assert.deepEqual(fleet.cluster.status?.ignoredFields, [
    'approvedPlanHash',
    'pools[w].template.madeUp',
    'pools[w].template.version',
  ]);
  assert.match(fleet.condition('FieldsIgnored'), /^True NotSupported: .*madeUp/);
});

test('a fleet that is settled is not written to', async () => {
  const fleet = await fleetOf({ pools: [CONTROLLERS, workers(50)] });
  const before = fleet.api.version;
  for (let round = 0; round < 5; round += 1) {
    fleet.restart();
    await fleet.reconcile();
  }
  assert.equal(fleet.api.version, before);
});
