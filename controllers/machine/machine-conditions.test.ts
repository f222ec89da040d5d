import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMachine } from './plan-machine.ts';
import type { MachineInput } from './plan-machine.ts';
import { phaseOf, withConditions } from './machine-conditions.ts';
import { beginRun, nextStep, stepDone, stepFailed, stepStarted } from './run-state.ts';
import { FORWARD_STEPS } from './types.ts';
import type { Machine, MachineSpec, MachineStatus, StepName } from './types.ts';

const NOW = '2026-01-01T00:00:00Z';
const GOOD: MachineStatus = {
  activeSlot: 'a',
  lastGood: { slot: 'a', goalHash: 'g' },
  goalHash: 'g',
  specHash: 's',
};
const READY = { node: { isThere: true, isReady: true } };
const GONE = { node: { isThere: false, isReady: false } };

function machine(spec: MachineSpec = {}): Machine {
  const metadata = {
    name: 'w1',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: NOW,
  };
  return { metadata: { ...metadata, generation: 3 }, spec };
}

function decide(status: MachineStatus, change: Partial<MachineInput> = {}): unknown {
  return planMachine({
    status,
    specHash: 's',
    isPaused: false,
    isDeleting: false,
    isPermitted: true,
    ...change,
  });
}

/** A run that has just come to `step`. */
function runUpTo(step: StepName): MachineStatus {
  let status = beginRun({}, 's');
  for (const name of FORWARD_STEPS) {
    if (name === step) return stepStarted(status, name, NOW);
    status = stepDone(stepStarted(status, name, NOW), name, NOW);
  }
  return status;
}

test('a machine that is to be no node is Ready when its root is good [unbounded-044]', () => {
  const written = withConditions(machine(), GOOD, {}, NOW);
  assert.equal(written.phase, 'Ready');
  assert.ok(!written.conditions?.some(({ type }) => type === 'NodeReady'));
});

test('provisioned, it is Joining until its node is there [unbounded-048]', () => {
  const status = stepDone(runUpTo('Start'), 'Start', NOW);
  const written = withConditions(machine({ node: {} }), status, GONE, NOW);
  assert.equal(written.phase, 'Joining');
  const rootfs = written.conditions?.find(({ type }) => type === 'RootFSReady');
  assert.equal(rootfs?.status, 'True');
});

test('a step that fails is told with its message [unbounded-049]', () => {
  const status = stepFailed(runUpTo('RootFS'), 'RootFS', NOW, 'EnsureNSpawnWorkspace: no disk');
  const written = withConditions(machine(), status, {}, NOW);
  assert.equal(written.phase, 'Failed');
  const rootfs = written.conditions?.find(({ type }) => type === 'RootFSReady');
  assert.equal(rootfs?.status, 'False');
  assert.match(rootfs.message, /no disk/);
});

test('while it joins nothing is provisioned again [unbounded-050]', () => {
  assert.deepEqual(decide(runUpTo('Verify')), { next: 'step', step: 'Verify' });
});

test('a failed step is taken again, and the run goes on from there [unbounded-055]', () => {
  const failed = stepFailed(runUpTo('RootFS'), 'RootFS', NOW, 'no route');
  assert.deepEqual(decide(failed), { next: 'step', step: 'RootFS' });
  const again = stepStarted(failed, 'RootFS', NOW);
  assert.equal(again.steps?.find(({ name }) => name === 'RootFS')?.attempt, 2);
  const done = stepDone(again, 'RootFS', NOW);
  assert.ok(done.run);
  assert.equal(nextStep(done, done.run), 'Drain');
});

test('with its node it is Ready and says which node it is [unbounded-056]', () => {
  const written = withConditions(machine({ node: {} }), GOOD, READY, NOW);
  assert.equal(written.phase, 'Ready');
  assert.deepEqual(written.nodeRef, { name: 'w1' });
});

test('its node gone, it is Joining; back, it is Ready [unbounded-057]', () => {
  const gone = withConditions(
    machine({ node: {} }),
    { ...GOOD, nodeRef: { name: 'w1' } },
    GONE,
    NOW,
  );
  assert.equal(gone.phase, 'Joining');
  assert.equal(gone.nodeRef, undefined);
  assert.equal(withConditions(machine({ node: {} }), gone, READY, NOW).phase, 'Ready');
});

test('which slot is in use is what the status says [unbounded-031]', () => {
  assert.equal(beginRun({ activeSlot: 'a' }, 's').run?.slot, 'b');
  assert.equal(beginRun({ activeSlot: 'b' }, 's').run?.slot, 'a');
  assert.equal(beginRun({}, 's').run?.slot, 'a');
});

test('nothing is done without need: settled, paused, waiting for a permit', () => {
  assert.deepEqual(decide(GOOD), { next: 'rest' });
  assert.deepEqual(decide(GOOD, { specHash: 't' }), { next: 'begin' });
  assert.deepEqual(decide(GOOD, { specHash: 't', isPaused: true }), {
    next: 'hold',
    reason: 'Paused',
  });
  const before = stepDone(runUpTo('RootFS'), 'RootFS', NOW);
  assert.deepEqual(decide(before, { isPermitted: false }), {
    next: 'hold',
    reason: 'WaitingForBudget',
  });
  assert.deepEqual(decide(before, { specHash: 't' }), { next: 'drop' });
  assert.deepEqual(decide(runUpTo('Drain'), { specHash: 't' }), { next: 'back' });
  assert.deepEqual(decide(runUpTo('Switch'), { specHash: 't', isPaused: true }), {
    next: 'step',
    step: 'Switch',
  });
});

test('stopped on purpose is a phase of its own', () => {
  assert.equal(phaseOf(machine({ powerState: 'Stopped' }), GOOD, { isStopped: true }), 'Stopped');
});
