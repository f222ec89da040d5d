import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import type { CommandResult, HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import { startSlot } from './run-slot.ts';

const SLOT = { machineName: 'w1-a', machineDirectory: '/var/lib/machines/w1-a', unit: 'x.service' };
const { signal } = new AbortController();

/** Time goes by as fast as it is waited for. */
function hastyClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    monotonic: () => now,
    schedule(delayMs, callback) {
      now += delayMs;
      queueMicrotask(callback);
      return () => undefined;
    },
  };
}

/** A host with systemd of which only what a start needs is there; the first starts fail as told. */
function hostThat(
  failures: readonly string[],
  isRegistered = false,
  isEnding = false,
  /** Whether `machinectl terminate` does what it says. */
  isHeard = true,
): { host: HostDriver; did: string[] } {
  const did: string[] = [];
  let starts = 0;
  let isKnown = isRegistered;
  const host = {
    stat: async () => ({ kind: 'directory', size: 0, mode: 0o755, modifiedMillis: 0 }),
    async exec(command: readonly string[]): Promise<CommandResult> {
      const line = command.join(' ');
      if (command[1] !== 'status') did.push(line);
      if (command[1] === 'terminate' && isHeard) isKnown = false;
      return { exitCode: command[1] === 'status' && !isKnown ? 1 : 0, stdout: '', stderr: '' };
    },
    services: {
      async start(unit: string): Promise<void> {
        did.push(`start ${unit}`);
        const failure = failures[starts++];
        if (failure !== undefined) throw new HostCommandError(failure);
        isKnown = !isEnding;
      },
      state: async () => ({ isInstalled: true, isActive: false, state: 'auto-restart' }),
    },
  };
  return { host: host as unknown as HostDriver, did };
}

test('a plain start starts once and recovers nothing [unbounded-032]', async () => {
  const { host, did } = hostThat([]);
  await startSlot(host, SLOT, hastyClock(), signal);
  assert.deepEqual(did, ['start x.service']);
});

test('"already exists" is recovered: reset, terminate, wait until it is gone, once more [unbounded-033]', async () => {
  const { host, did } = hostThat(['Machine "w1-a" already exists'], true);
  await startSlot(host, SLOT, hastyClock(), signal);
  assert.deepEqual(did, [
    'start x.service',
    'systemctl reset-failed x.service',
    'machinectl terminate w1-a',
    'start x.service',
  ]);
});

test('a leftover is also what is still on the list, whatever the refusal says', async () => {
  const { host, did } = hostThat(['some other text'], true);
  await startSlot(host, SLOT, hastyClock(), signal);
  assert.equal(did.filter((line) => line.startsWith('start')).length, 2);
  for (const refusal of ['Failed: File exists', 'ALREADY EXISTS']) {
    const other = hostThat([refusal]);
    await startSlot(other.host, SLOT, hastyClock(), signal);
    assert.ok(other.did.includes('machinectl terminate w1-a'), refusal);
  }
});

test('what does not go is not started beside, and a second refusal is told', async () => {
  const stuck = hostThat(['File exists'], true, false, false);
  await assert.rejects(
    startSlot(stuck.host, SLOT, hastyClock(), signal),
    /w1-a: its stale registration did not clear within 15 s .*: File exists$/,
  );
  assert.deepEqual(stuck.did, [
    'start x.service',
    'systemctl reset-failed x.service',
    'machinectl terminate w1-a',
  ]);
  const broken = hostThat(['already exists', 'kernel module missing'], true);
  await assert.rejects(
    startSlot(broken.host, SLOT, hastyClock(), signal),
    /after recovery from a stale registration: kernel module missing$/,
  );
});

test('any other refusal is told as it is, and nothing is terminated [unbounded-035]', async () => {
  const { host, did } = hostThat(['no such image']);
  await assert.rejects(
    startSlot(host, SLOT, hastyClock(), signal),
    /^HostCommandError: no such image$/,
  );
  assert.deepEqual(did, ['start x.service']);
});

test('a machine that ends as it is started is told at once, not after the time for coming up', async () => {
  const { host } = hostThat([], false, true);
  const clock = hastyClock();
  await assert.rejects(startSlot(host, SLOT, clock, signal), /w1-a ended when it was started/);
  assert.equal(clock.monotonic(), 0);
});
