// Operations that are over only when what they began is: whoever asks several machines in turn relies on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { systemClock } from '#platform/clock.ts';
import { SimulatedHost } from '../hosts/sim/simulated-host.ts';
import { SimulatedMachine } from '../hosts/sim/simulated-machine.ts';
import { performOperation } from './machine-operations.ts';
import type { OperationContext } from './machine-operations.ts';
import { StepError } from './machine-work.ts';
import type { Machine, MachineStatus } from './types.ts';

const { signal } = new AbortController();
const machine: Machine = {
  metadata: { name: 'm', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  spec: { version: '1' },
};
const GOOD: MachineStatus = {
  activeSlot: 'b',
  lastGood: { slot: 'b', goalHash: 'B' },
  previous: { slot: 'a', goalHash: 'A' },
};

function setting(verified: () => 'done' | { readonly pending: string }) {
  const time = { passedMs: 0 };
  const clock: Clock = {
    now: () => 1_000_000_000_000 + time.passedMs,
    monotonic: () => time.passedMs,
    schedule: (delayMs, callback) => systemClock.schedule(delayMs, callback),
  };
  const simulated = new SimulatedMachine({ name: 'h', clock });
  const context: OperationContext = {
    machine,
    host: new SimulatedHost(simulated),
    work: {
      names: () => assert.fail('not asked for'),
      preflight: () => assert.fail('not asked for'),
      removeAll: () => assert.fail('not asked for'),
      verify: () => Promise.resolve(verified()),
    },
    clock,
    verifyTimeoutMs: 20_000,
  };
  return { context, time };
}

const ask = (type: string, status: MachineStatus, context: OperationContext) =>
  performOperation({ uid: 'o', type }, status, context, signal);

function said({ operation }: MachineStatus): string {
  return `${operation?.phase}: ${operation?.message}`;
}

test('a rollback is over when the slot before runs, and has failed when another one does', async () => {
  const { context } = setting(() => 'done');
  const begun = await ask('Rollback', GOOD, context);
  assert.equal(said(begun), 'InProgress: goes back to slot a');
  assert.equal(begun.run?.isReturn, true);
  assert.deepEqual(begun.quarantined, ['B']);
  // It is asked about while it goes on: nothing is begun again.
  assert.deepEqual(await ask('Rollback', begun, context), begun);
  const { run: _, ...over } = begun;
  assert.equal(
    said(await ask('Rollback', { ...over, activeSlot: 'a' }, context)),
    'Complete: slot a runs again',
  );
  assert.equal(said(await ask('Rollback', over, context)), 'Failed: slot b runs: see steps');
});

test('a reboot is over when the machine is ready again, or has had its time', async () => {
  let verified: 'done' | { readonly pending: string } = { pending: 'the node is not Ready' };
  const { context, time } = setting(() => verified);
  const begun: MachineStatus = {
    ...GOOD,
    operation: {
      uid: 'o',
      type: 'Reboot',
      phase: 'InProgress',
      message: `restarted at ${new Date(context.clock.now()).toISOString()}`,
    },
  };
  time.passedMs = 20_000;
  assert.deepEqual(await ask('Reboot', begun, context), begun);
  time.passedMs = 20_001;
  assert.match(
    said(await ask('Reboot', begun, context)),
    /^Failed: restarted at .*, and not ready: the node is not Ready$/,
  );
  verified = 'done';
  assert.equal(said(await ask('Reboot', begun, context)), 'Complete: restarted, and ready');
  const { context: ended } = setting(() => {
    throw new StepError('Ended', 'its service has ended');
  });
  assert.equal(said(await ask('Reboot', begun, ended)), 'Failed: its service has ended');
});
