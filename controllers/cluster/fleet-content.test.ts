// What Artifacts of a fleet hold becomes another while its spec stays: in simulated time, with the real reconciler.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fleet } from './fleet-fixture.ts';
import type { FleetOptions } from './fleet-fixture.ts';
import type { ClusterSpec } from './types.ts';

async function fleetOf(spec: Partial<ClusterSpec>, options: FleetOptions = {}): Promise<Fleet> {
  const pools: ClusterSpec['pools'] = [
    { name: 'cp', role: 'controller', replicas: 3 },
    { name: 'w', role: 'worker', replicas: 6 },
  ];
  const fleet = new Fleet({ distribution: 'K0s', version: '1.30.0', pools, ...spec }, options);
  fleet.content = 'one';
  await fleet.settle();
  assert.match(fleet.condition('Ready'), /^True/);
  fleet.forget();
  return fleet;
}

const has = (fleet: Fleet, content: string): number =>
  [...fleet.machines.values()].filter((machine) => machine.content === content).length;
const disrupted = (fleet: Fleet): readonly number[] =>
  [...fleet.machines.values()].map(({ disruptions }) => disruptions);

test('each node goes once, within the budget and with the quorum; the same content moves nobody', async () => {
  const fleet = await fleetOf({ rollout: { maxUnavailable: 2 } });
  await fleet.settle();
  assert.deepEqual(Math.max(...disrupted(fleet)), 0);
  fleet.content = 'two';
  await fleet.settle();
  assert.equal(has(fleet, 'two'), 9);
  assert.deepEqual(
    disrupted(fleet),
    Array.from({ length: 9 }, () => 1),
  );
  assert.equal(Math.max(...fleet.samples.map(({ workersAway }) => workersAway.length)), 2);
  assert.equal(Math.min(...fleet.samples.map(({ controllersServing }) => controllersServing)), 2);
  assert.match(fleet.condition('Ready'), /^True/);
});

test('content that fails halts the rollout; better content goes on by itself', async () => {
  const fleet = await fleetOf({}, { faults: { 'c-w-0': { start: [true] } } });
  fleet.content = 'bad';
  await fleet.settle();
  assert.match(fleet.condition('RolloutHalted'), /^True .*c-w-0/);
  assert.equal(fleet.machine('c-w-0').content, 'one', 'it went back');
  assert.ok(has(fleet, 'one') >= 5, 'nobody else has begun');
  fleet.content = 'good';
  await fleet.settle();
  assert.equal(has(fleet, 'good'), 9);
  assert.match(fleet.condition('RolloutHalted'), /^False/);
});

test('with planOnly it is in the plan, and waits for the approval', async () => {
  const fleet = await fleetOf({});
  await fleet.change({ planOnly: true });
  await fleet.settle();
  fleet.content = 'two';
  await fleet.settle();
  assert.deepEqual(Math.max(...disrupted(fleet)), 0);
  const { plan = [], planHash } = fleet.cluster.status ?? {};
  assert.equal(plan.length, 9);
  await fleet.change({ approvedPlanHash: planHash });
  await fleet.settle();
  assert.equal(has(fleet, 'two'), 9);
});
